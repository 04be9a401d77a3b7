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
    const query = (statement: string | pg.QueryConfig) => {
      if (statement === 'rollback') throw new Error('The group was not written.')
      return statement === 'commit' ? { rows: [] } : client.query(withoutBegin(statement) as pg.QueryConfig)
    }
    await this.#writer.write({ query } as unknown as Client, group)
  }
}

/** The transaction is open already. */
const withoutBegin = (statement: string | pg.QueryConfig) =>
  typeof statement === 'string' ? statement.replace(/^begin; /, '') : statement
