/**
 * The service's application names in pg_stat_activity. Version 0.1.0 has another name: online steps that would break it wait
 * until it has no connection.
 */
export const APPLICATION = 'nightpost service'
export const APPLICATION_0_1_0 = 'nightpost'
