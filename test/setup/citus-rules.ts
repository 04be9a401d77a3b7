/** What Citus 13 can't do, in its own words, and how a statement or a migration that needs it is recognised. */
interface Rule {
  readonly says: string
  readonly finds: (sql: string) => boolean
}

/** Conditions by which Citus finds the one shard of a statement. */
const OF_ONE_SHARD = /\b(owner|user_id|profile_id)"? = (any\()?\$\d/

export const STATEMENT_RULES: readonly Rule[] = [
  {
    says: 'complex joins are only supported when all distributed tables are co-located and joined on their distribution columns',
    finds: (sql) =>
      /\bas (materialized )?\(\s*(insert|update|delete)\b/i.test(sql) ||
      // A subquery for each row of a list of parameters, which has no shard.
      (/\(\s*select true\s+from "?owners"? as o\b/i.test(sql) && /\bunnest\(/i.test(sql)),
  },
  {
    says: 'could not run distributed query with FOR UPDATE/SHARE commands',
    finds: (sql) => /\bfor update\b/i.test(sql) && !OF_ONE_SHARD.test(sql),
  },
  {
    says: 'non-IMMUTABLE functions are not allowed in the RETURNING clause',
    finds: (sql) => /\breturning\b[^;]*_at::text/i.test(sql),
  },
  {
    says: 'non-IMMUTABLE functions are not allowed in CASE or COALESCE statements',
    finds: (sql) => /\bpg_current_xact_id\b/i.test(sql),
  },
  {
    says: 'correlated subqueries are not supported when the FROM clause contains … (a row of another owner)',
    finds: (sql) =>
      /exists \(\s*select\s+from "?deliveries"? as d where d\.delivery_id = t\.delivery_id/i.test(sql),
  },
]

export const MIGRATION_RULES: readonly Rule[] = [
  {
    says: 'triggers are not supported on distributed tables',
    finds: (sql) => /\bcreate (or replace )?(constraint )?trigger\b/i.test(sql),
  },
  {
    says: 'cannot complete operation on a table with identity column',
    finds: (sql) => /\bgenerated (always|by default) as identity\b|\b(small|big)?serial\b/i.test(sql),
  },
  {
    says: 'SET NULL or SET DEFAULT is not supported in ON DELETE operation when distribution key is included in the foreign key constraint',
    finds: (sql) => /\bon (delete|update) set (null|default)\b/i.test(sql),
  },
  {
    says: 'alter table command is currently unsupported; you can issue only one subcommand at a time',
    finds: (sql) => /^\s*alter table\b[^;]*,\s*(add|drop|alter|validate|rename)\b/im.test(withoutText(sql)),
  },
  {
    says: 'exclusion constraints need the distribution column',
    finds: (sql) => /\bexclude using\b/i.test(sql),
  },
  {
    says: 'row-level security, rules and inheritance are not supported on distributed tables',
    finds: (sql) => /\bcreate (policy|rule)\b|\binherits \(/i.test(sql),
  },
]

/** Comments and texts say anything. */
const withoutText = (sql: string) => sql.replaceAll(/--.*$/gm, '').replaceAll(/'(?:[^']|'')*'/g, "''")

/** Returns what of the rules a text breaks. */
export const broken = (rules: readonly Rule[], sql: string): string[] =>
  rules.filter(({ finds }) => finds(withoutText(sql))).map(({ says }) => says)

/**
 * Write statements that only plain Postgres executes, as statements.sql names them: on Citus `CitusWriter` and `CitusRewriter` use
 * shard-statements.ts and citus-rewrite-statements.ts.
 */
export const PLAIN_ONLY = [
  ...['insertGroup', 'recordOwners', 'countDuplicates', 'deleteByDelivery', 'lockDeliveries', 'tellRejudged'],
  ...['updateVerdicts', 'moveDeliveries', 'describeHeld'],
]
