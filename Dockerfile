# Any Debian-based image with Node 20.19 or newer and npm serves.
ARG NODE_IMAGE=node:24-slim

# --- build: TypeScript to JavaScript ---
FROM ${NODE_IMAGE} AS build
WORKDIR /app
# The manifests come first: as long as they stay, an edit in src/ reuses the installed packages.
COPY package.json package-lock.json ./
# Nothing that is compiled or shipped needs an install script, so none gets to run.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

# --- dependencies: what runs, and no embedded Postgres, compiler or npm cache ---
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Declarations and maps of libraries are a third of their size, and Node reads neither.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -type f \( -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.map' \) -delete

# --- production ---
FROM ${NODE_IMAGE} AS production
# One helper thread for V8 instead of four: on few cores they take from Postgres and the service what they give.
ENV NODE_ENV=production \
    NODE_OPTIONS=--v8-pool-size=1 \
    HOST=0.0.0.0 \
    PORT=3000
WORKDIR /app
# The one place that is ever written, and only outside production: generated credentials. A new named
# volume takes over this owner and mode. Everything else belongs to root, so the service can't change it.
RUN install -d -o 1000 -g 1000 -m 0700 .data
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY --from=build /app/dist ./dist
# `node` in the base image; as a number, because Kubernetes' runAsNonRoot can't check a name.
USER 1000:1000
EXPOSE 3000
# The image has no curl. `ready` and not `live`: it also says whether the database answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No shell and no npm in between: the process itself gets SIGTERM, and finishes what it has taken.
CMD ["node", "dist/main.js"]
