import { Events } from './events.ts'

/** What one delivery of the mixture costs, measured. Times are in seconds of one core. */
export interface Costs {
  /** The process of the service: for a delivery, and for a group. */
  readonly serviceDelivery: number
  readonly serviceGroup: number
  /** Postgres: for a delivery, and for a transaction. */
  readonly postgresDelivery: number
  readonly postgresGroup: number
  /** The coordinator of Citus: for a transaction that it plans and passes on. 0 on plain Postgres. */
  readonly coordinatorGroup: number
  /** Waiting of a transaction that uses no core: round trips, and the write-ahead log to the disk. */
  readonly transactionWait: number
}

export interface Cluster {
  /** Nodes of Postgres that hold data, and the cores of each. */
  readonly nodes: number
  readonly cores: number
  /** Cores of the coordinator of Citus. */
  readonly coordinatorCores: number
  /** Processes of the service, all replicas together. */
  readonly processes: number
  /** Lanes of each process, divided evenly among the nodes: 1 on plain Postgres, one for each shard on Citus. */
  readonly lanes: number
  /** Transactions that a process may have open. */
  readonly writers: number
  readonly mostInGroup: number
}

export interface Outcome {
  readonly p50: number
  readonly p99: number
  readonly meanGroup: number
  /** Shares of the cores that are busy. */
  readonly serviceBusy: number
  readonly postgresBusy: number
  readonly coordinatorBusy: number
  /** Deliveries that waited at the end; it grows with the time if the cluster is too small. */
  readonly waiting: number
}

/** Cores that work one after the other on what is given to them, in its order. */
class Cores {
  readonly #events: Events
  readonly #free: number[]
  busy = 0

  constructor(events: Events, count: number) {
    this.#events = events
    this.#free = Array.from({ length: count }, () => 0)
  }

  run(seconds: number, done: () => void): void {
    const { now } = this.#events
    let core = 0
    for (let other = 1; other < this.#free.length; other += 1)
      if ((this.#free[other] as number) < (this.#free[core] as number)) core = other
    const end = Math.max(now, this.#free[core] as number) + seconds
    this.#free[core] = end
    this.busy += seconds
    this.#events.after(end - now, done)
  }
}

interface Lane {
  readonly node: Cores
  waiting: number[]
  isOpen: boolean
}

/** A process of the service: one core, the queue of each lane, and its writers. */
class ServiceProcess {
  readonly #events: Events
  readonly #cluster: Cluster
  readonly #costs: Costs
  readonly #lanes: readonly Lane[]
  readonly #coordinator: Cores
  readonly #onAnswer: (seconds: number) => void
  readonly core: Cores
  /** Lanes with deliveries that no writer has, the longest waiting first. */
  #ready: Lane[] = []
  /** The sizes of the groups that are being written. */
  readonly #open: number[] = []
  groups = 0
  deliveries = 0

  constructor(
    events: Events,
    cluster: Cluster,
    costs: Costs,
    nodes: readonly Cores[],
    coordinator: Cores,
    onAnswer: (seconds: number) => void,
  ) {
    this.#events = events
    this.#cluster = cluster
    this.#costs = costs
    this.#coordinator = coordinator
    this.#onAnswer = onAnswer
    this.core = new Cores(events, 1)
    this.#lanes = Array.from({ length: cluster.lanes }, (_, at) => ({
      node: nodes[at % nodes.length] as Cores,
      waiting: [],
      isOpen: false,
    }))
  }

  get waiting(): number {
    return this.#lanes.reduce((sum, { waiting }) => sum + waiting.length, 0)
  }

  receive(random: () => number): void {
    const arrivedAt = this.#events.now
    const lane = this.#lanes[Math.floor(random() * this.#lanes.length)] as Lane
    this.core.run(this.#costs.serviceDelivery, () => {
      lane.waiting.push(arrivedAt)
      if (lane.waiting.length === 1 && !lane.isOpen) this.#ready.push(lane)
      this.#begin()
    })
  }

  #begin(): void {
    while (this.#open.length < this.#cluster.writers) {
      const [lane] = this.#ready
      if (!lane) return
      // A second writer of one lane begins as that of src/db/commit/limits.ts does.
      const isShared = this.#cluster.lanes === 1
      if (isShared && this.#open.some((deliveries) => lane.waiting.length < deliveries)) return
      this.#ready.shift()
      this.#commit(lane, lane.waiting.splice(0, this.#cluster.mostInGroup), isShared)
    }
  }

  #commit(lane: Lane, group: readonly number[], isShared: boolean): void {
    const { serviceGroup, coordinatorGroup, postgresGroup, postgresDelivery, transactionWait } = this.#costs
    this.#open.push(group.length)
    lane.isOpen = !isShared
    if (isShared && lane.waiting.length > 0) this.#ready.push(lane)
    this.groups += 1
    this.deliveries += group.length
    const answer = () => {
      for (const arrivedAt of group) this.#onAnswer(this.#events.now - arrivedAt)
      this.#open.splice(this.#open.indexOf(group.length), 1)
      lane.isOpen = false
      if (lane.waiting.length > 0 && !this.#ready.includes(lane)) this.#ready.push(lane)
      this.#begin()
    }
    const write = () =>
      lane.node.run(postgresGroup + postgresDelivery * group.length, () =>
        this.#events.after(transactionWait, answer),
      )
    this.core.run(serviceGroup, () =>
      coordinatorGroup > 0 ? this.#coordinator.run(coordinatorGroup, write) : write(),
    )
  }
}

/** Simulates a cluster under deliveries that arrive at random, so many a second. The first fifth of the time is left out. */
export function simulate(
  cluster: Cluster,
  costs: Costs,
  rate: number,
  seconds: number,
  random: () => number,
): Outcome {
  const events = new Events()
  const nodes = Array.from({ length: cluster.nodes }, () => new Cores(events, cluster.cores))
  const coordinator = new Cores(events, Math.max(1, cluster.coordinatorCores))
  const times: number[] = []
  const start = seconds / 5
  const onAnswer = (time: number) => {
    if (events.now >= start) times.push(time)
  }
  const processes = Array.from(
    { length: cluster.processes },
    () => new ServiceProcess(events, cluster, costs, nodes, coordinator, onAnswer),
  )
  const arrive = () => {
    processes[Math.floor(random() * processes.length)]?.receive(random)
    events.after(-Math.log(1 - random()) / rate, arrive)
  }
  arrive()
  events.runUntil(seconds)
  times.sort((a, b) => a - b)
  const sum = (of: (process: ServiceProcess) => number) => processes.reduce((all, one) => all + of(one), 0)
  const quantile = (share: number) => times[Math.floor(times.length * share)] ?? Number.POSITIVE_INFINITY
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    meanGroup: sum(({ deliveries }) => deliveries) / sum(({ groups }) => groups),
    serviceBusy: sum(({ core }) => core.busy) / (seconds * cluster.processes),
    postgresBusy: nodes.reduce((all, { busy }) => all + busy, 0) / (seconds * cluster.nodes * cluster.cores),
    coordinatorBusy: coordinator.busy / (seconds * Math.max(1, cluster.coordinatorCores)),
    waiting: sum(({ waiting }) => waiting),
  }
}
