import type { TestDatabase } from './database.ts'

/**
 * Changes deliveries by hand, and their owner. On Citus an update can't change the owner, because the row may belong on another node.
 * `where` is a condition, `others` are further assignments.
 */
export async function changeOwner(db: TestDatabase, where: string, owner: string, others: string) {
  await db.query(`create temporary table held as select * from deliveries where ${where};
    delete from deliveries where ${where}; update held set owner = '${owner}', ${others};
    insert into deliveries select * from held; drop table held`)
}
