/** The settings of Nightpost: everything that other modules use of them. */
export { banner } from './banner.ts'
export { withCredentials } from './credentials.ts'
export { exitWith, loadConfig } from './environment.ts'
export { retentionOf } from './retention.ts'
export { secretNames, withSecretFiles } from './secret-files.ts'
export {
  type Config,
  ConfigError,
  ConfigSchema,
  credentialNames,
  type Environment,
  listsWithComma,
  readConfig,
} from './settings.ts'
