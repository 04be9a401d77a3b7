import type pg from 'pg'
import { CitusWriter } from '../../src/db/citus/citus-writer.ts'
import { ShardLanes } from '../../src/db/citus/lanes.ts'
import type { Client } from '../../src/db/write/plan.ts'
import type { Delivery } from '../../src/ingest/delivery.ts'
import { sahha } from '../../src/vendors/sahha/index.ts'

/** Writes groups of one owner as the service does on Citus, but leaves the end of the transaction to the model. */
export class OpenCitusWriter {
  readonly #writer: CitusWriter

  private constructor(lanes: ShardLanes) {
    this.#writer = new CitusWriter(sahha.targets, lanes, 'on')
  }

  static async create(client: pg.Client): Promise<OpenCitusWriter> {
    const lanes = new ShardLanes()
    await lanes.read(client)
    return new OpenCitusWriter(lanes)
  }

  async write(client: pg.Client, group: readonly Delivery[]): Promise<void> {
    const query = async (statement: string | pg.QueryConfig) => {
      if (statement === 'rollback') throw new Error('The group was not written.')
      if (statement === 'commit') return { rows: [] }
      if (typeof statement !== 'string' || !statement.startsWith('begin; '))
        return client.query(statement as never)
      // The transaction is open already. In the middle of one, Citus would send all statements of a message with a SET to the node.
      const results: pg.QueryResult[] = []
      for (const each of statement.split('; ').slice(1)) results.push(await client.query(each))
      return results
    }
    await this.#writer.write({ query } as unknown as Client, group)
  }
}
