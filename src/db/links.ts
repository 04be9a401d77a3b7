import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { beginWriting } from './citus/nodes.ts'
import { isDistributed } from './citus/state.ts'
import { sqlState } from './commit/failure.ts'
import { isErased } from './sql/fence.ts'
import { IN_ORDER, isRewritten, movesTo } from './sql/owner-statements.ts'

type Client = Pick<pg.ClientBase, 'query'>

/** An owner of a vendor, as the view `people` has it. */
export interface Owner {
  readonly vendor: string
  readonly owner: string
  readonly user_id: string
  readonly person_id: string
  readonly is_linked: boolean
}

export interface Link {
  readonly vendor: string
  readonly owner: string
  readonly person_id: string
  readonly linked_at: string
}

/** An id may not be linked while its person is erased. */
export class ErasedPerson extends Error {
  override readonly name = 'ErasedPerson'

  constructor() {
    super('This person was erased. No id of an erased person is stored: see nightpost erase --lift.')
  }
}

/** Returns every link that was made by hand. */
export async function linksOf(client: Client): Promise<Link[]> {
  const { rows } = await client.query(
    'select vendor, owner, person_id, linked_at from person_links order by person_id, vendor, owner',
  )
  return rows.map((row) => ({ ...row, linked_at: row.linked_at.toISOString() }))
}

/** Returns the owners of a person. */
export async function ownersOfPerson(client: Client, personId: string): Promise<Owner[]> {
  const { rows } = await client.query(
    `select vendor, owner, user_id, person_id, is_linked from people where person_id = $1
     order by vendor collate "C", owner collate "C"`,
    [personId],
  )
  return rows
}

/**
 * Links an owner with a person, whatever the vendor's ids say. The owner need not have sent anything yet. Throws `ErasedPerson` if
 * the owner, or anybody with this person's id, was erased. Deliveries wait for a moment.
 */
export async function link(client: Client, vendor: string, owner: string, personId: string): Promise<void> {
  await changeLink(client, async () => {
    const { rows } = await client.query(
      `select exists (
         select from (select $1::text as vendor, $2::text as id union all select distinct e.vendor, $3 from erasures as e) as named
         where ${isErased('named.vendor', 'owner', 'named.id')} or ${isErased('named.vendor', 'user', 'named.id')}
       ) as is_erased`,
      [vendor, owner, personId],
    )
    if (rows[0].is_erased) throw new ErasedPerson()
    await client.query(
      `insert into person_links as l (owner, vendor, person_id, linked_at) values ($2, $1, $3, now())
       on conflict (owner, vendor) do update set person_id = excluded.person_id, linked_at = excluded.linked_at`,
      [vendor, owner, personId],
    )
    await moveOwners(client, '$3', 'o.vendor = $1 and o.owner = $2', [vendor, owner, personId])
  })
}

/** Removes a link, so that the vendor's ids decide again. Returns false if there was none. */
export async function unlink(client: Client, vendor: string, owner: string): Promise<boolean> {
  return changeLink(client, async () => {
    const { rowCount } = await client.query('delete from person_links where vendor = $1 and owner = $2', [
      vendor,
      owner,
    ])
    await moveOwners(client, OWN_PERSON, 'o.vendor = $1 and o.owner = $2', [vendor, owner])
    return rowCount === 1
  })
}

/** The person of an owner `o` who is not linked. */
export const OWN_PERSON = `coalesce(nullif(o.user_id, ''), o.owner)`

/** Gives owners `o` another person. On Citus nobody stores days, and an update must not ask for the transaction's id. */
export async function moveOwners(
  client: Client,
  person: string,
  where: string,
  values: unknown[],
): Promise<void> {
  const move = (await isDistributed(client)) ? '' : `, ${movesTo(person)}`
  await client.query(`update owners as o set person_id = ${person}${move} where ${where}`, values)
}

/** Says that any row of some owners may have changed, so that the persons' days are computed again. */
export async function tellRewritten(
  client: Client,
  vendor: string,
  owners: readonly string[],
): Promise<void> {
  if (owners.length === 0 || (await isDistributed(client))) return
  await client.query(
    `with locked as materialized (
       select owner, vendor from owners where vendor = $1 and owner = any($2::text[]) ${IN_ORDER}
     )
     update owners as o set ${isRewritten} from locked as l where o.owner = l.owner and o.vendor = l.vendor`,
    [vendor, owners],
  )
}

/**
 * Runs a change of links while nobody records an owner: a writer that has not seen the link would record the owner without it. An
 * erasure waits for the transactions that hold the first lock, so this one sees every fence that is not waiting.
 */
async function changeLink<T>(client: Client, change: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    await beginWriting(client, { lockTimeout: 1_000 })
    try {
      await client.query(
        'lock table deliveries in row exclusive mode; lock table owners in share row exclusive mode',
      )
      const result = await change()
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {})
      // Such as days of the person that are being stored. Deliveries go on meanwhile.
      if (attempt === ATTEMPTS || !LOCKED.includes(sqlState(error) ?? '')) throw error
      await sleep(200)
    }
  }
}

const ATTEMPTS = 5
/** Lock timeout and deadlock. */
const LOCKED = ['55P03', '40P01']
