// The embedded Postgres server, for development and tests. Other modules import only this file.

// For tests and the chaos runs, which set up, find, kill and remove servers themselves.
export { unprivilegedAccount } from './account.ts'
export { installBinaries } from './binaries.ts'
export { type Cluster, startCluster } from './cluster.ts'
export { clusterHome, superuserPassword } from './cluster-home.ts'
export { createDataDirectory, SUPERUSER } from './initdb.ts'
export { freePort } from './port.ts'
export {
  findPostmaster,
  isAlive,
  type Postmaster,
  spawnPostmaster,
  stopPostmaster,
  waitUntilReady,
} from './postmaster.ts'
