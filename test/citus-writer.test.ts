import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { biomarker } from './setup/bodies.ts'
import { CITUS_URL } from './setup/citus.ts'
import { metricsOf } from './setup/metrics.ts'
import { setup, type TestService } from './setup/service.ts'

const PEOPLE = 40
const EVENT = 'BiomarkerCreatedIntegrationEvent'

const bodyOf = (number: number, id = `biomarker ${number}`) =>
  biomarker({ id, profileId: `profile ${number % PEOPLE}` })

describe.skipIf(!CITUS_URL)('deliveries of many people on Citus', () => {
  let service: TestService
  beforeAll(async () => {
    service = await setup({ MAINTENANCE: 'off' })
  }, 60_000)
  afterAll(() => service.close())

  it('are stored by transactions of one node each, without a two-phase commit', async () => {
    const transactions = async () => {
      const [row] = await service.db.query('select count(*) as n from pg_dist_transaction')
      return Number(row?.n)
    }
    const before = await transactions()
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => service.sahha(bodyOf(n), EVENT)))
    expect(new Set(answers.map(({ json }) => json.outcome))).toEqual(new Set(['stored']))
    // Citus notes every two-phase commit there, and forgets it later.
    expect(await transactions()).toBe(before)
    const [stored] = await service.db.query(
      `select (select count(*) from deliveries) as deliveries, (select count(*) from biomarkers) as rows,
        (select count(*) from owners) as owners, (select count(distinct person_id) from owners) as people`,
    )
    expect(stored).toMatchObject({ deliveries: '200', rows: '200', owners: `${PEOPLE}` })
  })

  it('wait in a lane for each shard, so that a group is one transaction', async () => {
    const groups = async () =>
      (await metricsOf(service.app)).get('nightpost_group_deliveries_count', {}) as number
    const before = await groups()
    const numbers = Array.from({ length: 200 }, (_, n) => n)
    await Promise.all(numbers.map((n) => service.sahha(bodyOf(n, `lane ${n}`), EVENT)))
    // Each transaction has a position of its own.
    const [row] = await service.db.query(
      `select count(distinct d.change_position) as n from deliveries as d join biomarkers as b on b.profile_id = d.owner
         and b.delivery_id = d.delivery_id where b.id like 'lane %'`,
    )
    expect(await groups()).toBe(before + Number(row?.n))
  })

  it('are counted when they arrive again, and keep their positions in the change feed', async () => {
    const positions = () =>
      service.db.query('select delivery_id, change_position from deliveries order by delivery_id')
    const before = await positions()
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => service.sahha(bodyOf(n), EVENT)))
    expect(new Set(answers.map(({ json }) => json.outcome))).toEqual(new Set(['duplicate']))
    expect(await positions()).toEqual(before)
    const [row] = await service.db.query('select count(*) as n from deliveries where times_received = 2')
    expect(row?.n).toBe('100')
  })

  it('are stored after their owner was removed from the table by hand', async () => {
    await service.db.query(`delete from owners where owner = 'profile 3'`)
    const { json } = await service.sahha(bodyOf(3, 'another'), EVENT)
    expect(json.outcome).toBe('stored')
    const rows = await service.db.query(
      `select from biomarkers where profile_id = 'profile 3' and id = 'another'`,
    )
    expect(rows).toHaveLength(1)
    expect(await service.db.query(`select from owners where owner = 'profile 3'`)).toHaveLength(1)
  })
})
