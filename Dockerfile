# Any Debian-based image with Node 20.19 or newer and npm works.
ARG NODE_IMAGE=node:24-slim

# --- build: TypeScript to JavaScript ---
FROM ${NODE_IMAGE} AS build
WORKDIR /app
# Manifests first: while they do not change, an edit in src/ reuses the installed packages.
COPY package.json package-lock.json ./
# No package that is compiled or shipped needs an install script, so none may run.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# The command `nightpost` is this file.
RUN npm run build && chmod 755 dist/cli/main.js

# --- dependencies: production packages, without the embedded Postgres, the compiler and the npm cache ---
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Type declarations, source maps, and the packages' own tests, documents, examples and benchmarks are 60 % of the size of
# the packages, and Node reads none of them. Only directories at the root of a package are deleted: yaml has code in
# dist/doc. Licenses stay.
RUN npm ci --omit=dev --ignore-scripts \
  && find node_modules -depth -type d -regextype posix-extended \
    -regex '(.*/)?node_modules/(@[^/]+/)?[^@/][^/]*/(tests?|__tests__|docs?|examples?|benchmarks?|coverage|\.github)' \
    -exec rm -r {} + \
  && find node_modules -type f \( -name '*.ts' -o -name '*.cts' -o -name '*.mts' -o -name '*.map' \) -delete \
  && find node_modules -type f -iname '*.md' ! -iname '*licen[cs]e*' ! -iname 'notice*' -delete

# --- production ---
FROM ${NODE_IMAGE} AS production
# One helper thread for V8 instead of four. On few cores they compete with Postgres and the service: docs/deploy.md.
ENV NODE_ENV=production \
    NODE_OPTIONS=--v8-pool-size=1 \
    HOST=0.0.0.0 \
    PORT=3000
WORKDIR /app
# The only directory that the service writes, and only outside production: generated credentials. A new named volume
# inherits this owner and mode. Everything else belongs to root, so the service cannot change it.
RUN install -d -o 1000 -g 1000 -m 0700 .data && ln -s /app/dist/cli/main.js /usr/local/bin/nightpost
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY --from=build /app/dist ./dist
# The user `node` of the base image, as a number: Kubernetes' runAsNonRoot cannot check a name.
USER 1000:1000
EXPOSE 3000
# The image has no curl. /health/ready, not /health/live, because it also checks the database.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 3000) + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Without a shell or npm in between, the process itself gets SIGTERM and finishes the requests that it accepted.
CMD ["node", "dist/main.js"]
