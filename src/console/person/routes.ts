import type { FastifyInstance } from 'fastify'
import type pg from 'pg'
import { withDetails } from '../arrivals/details.ts'
import { readArrivals } from '../arrivals/read.ts'
import type { ConsoleContext } from '../context.ts'
import { inReading } from '../database.ts'
import { fieldOf, parameterOf, sendPage } from '../request.ts'
import { type PersonPage, peoplePage, personPage } from './page.ts'
import { findPersons, readDaysOfPerson, readIdentities, readScores, readSleep, recentPeople } from './read.ts'

/** Ids of a person whose nights are drawn, and deliveries that the page lists. */
const MOST_OWNERS = 5
const MOST_DELIVERIES = 20

const NO_FILTER = { vendor: '', event: '', outcome: '', from: '', to: '' }

/** `/people` finds a person, `/person` shows one. The id is a parameter, because it may contain any character. */
export function personRoutes(app: FastifyInstance, context: ConsoleContext): void {
  const { pool, log, showsValues, hashOf } = context

  app.get('/people', async (request, reply) => {
    const query = parameterOf(request, 'q')
    const page = await inReading(pool, async (client) => ({
      query,
      found: query === '' ? null : await findPersons(client, query),
      heard: await recentPeople(client),
    }))
    const [only] = page.found ?? []
    if (only !== undefined && page.found?.length === 1)
      return reply.redirect(`/person?${new URLSearchParams({ id: only })}`, 303)
    return sendPage(reply, peoplePage(page))
  })

  app.get('/person', async (request, reply) => {
    const id = parameterOf(request, 'id')
    const page = await inReading(pool, (client) => read(client, id))
    if (page) return sendPage(reply, personPage(page))
    return reply.redirect(`/people?${new URLSearchParams({ q: id })}`, 303)
  })

  app.post('/person', async (request, reply) => {
    const id = fieldOf(request, 'id')
    if (!showsValues) return reply.callNotFound()
    const page = await inReading(pool, async (client) => {
      const known = await read(client, id)
      if (!known) return null
      const owners = known.identities.map(({ owner }) => owner)
      const sleep = []
      for (const owner of owners.slice(0, MOST_OWNERS)) sleep.push(await readSleep(client, owner))
      const scores = await readScores(client, owners)
      return { ...known, revealed: { sleep, scores, days: await readDaysOfPerson(client, id) } }
    })
    if (!page) return reply.callNotFound()
    log.info({ session: request.consoleSession, user: hashOf(id) }, 'console: health values were shown')
    return sendPage(reply, personPage(page))
  })

  /** Null if nobody has this id. */
  async function read(client: pg.ClientBase, personId: string): Promise<PersonPage | null> {
    const identities = personId === '' ? [] : await readIdentities(client, personId)
    if (identities.length === 0) return null
    const { arrivals } = await readArrivals(client, { ...NO_FILTER, user: personId }, '')
    const deliveries = await withDetails(client, context, arrivals.slice(0, MOST_DELIVERIES))
    return { personId, identities, showsValues, deliveries }
  }
}
