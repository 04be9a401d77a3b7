/** The settings of Nightpost: everything that other modules use of them. */
export { banner } from './banner.ts'
export {
  keepConsoleToken,
  listsWithComma,
  withConsoleToken,
  withCredentials,
  withKnownCredentials,
} from './credentials.ts'
export { exitWith, lastLoaded, loadConfig } from './environment.ts'
export { nearMisses } from './near-misses.ts'
export { requireDatabaseUrl, requireForProduction } from './production.ts'
export { everyOf } from './reconcile-settings.ts'
export { retentionOf, retentionText } from './retention.ts'
export { withSecretFiles } from './secret-files.ts'
export {
  type Config,
  ConfigError,
  ConfigSchema,
  credentialNames,
  type Environment,
  readConfig,
  secretNames,
} from './settings.ts'
