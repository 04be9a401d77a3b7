import type pg from 'pg'

/**
 * The same as the query of `readGroups` on Citus: how many deliveries one transaction stored with each of these, `most` at most. Two
 * statements, because a shard can't look into the others for each of its rows.
 */
export async function groupsOnCitus(
  client: pg.ClientBase,
  ids: readonly string[],
  most: number,
): Promise<Map<string, number>> {
  const { rows: mine } = await client.query(
    `select delivery_id as id, change_position as position from deliveries
     where delivery_id = any($1::uuid[]) and outcome = 'stored' and change_position % 2 = 0`,
    [ids],
  )
  const { rows: sizes } = await client.query(
    `select change_position as position, count(*)::int as count from deliveries
     where change_position = any($1::bigint[]) and outcome = 'stored' and (outcome = 'stored' or change_position % 2 = 1)
     group by 1`,
    [[...new Set(mine.map(({ position }) => position))]],
  )
  const countAt = new Map<string, number>(sizes.map(({ position, count }) => [position, count]))
  return new Map(mine.map(({ id, position }) => [id, Math.min(most, countAt.get(position) ?? 1)]))
}
