/**
 * The names under which the service's connections show in pg_stat_activity. Version 0.1.0 has its own: what would
 * break it waits until none of its connections is left.
 */
export const APPLICATION = 'nightpost service'
export const APPLICATION_0_1_0 = 'nightpost'
