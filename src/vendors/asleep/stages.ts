import { Maybe, Stages } from '../../contract/schema.ts'

const sleepCodes = [-1, 0, 1, 2, 3]

/** The stage arrays, under all names that the envelopes V1 to V3 and the Get Session results use. */
export const stageArrays = {
  sleep_stages: Maybe(Stages({ description: '-1 no data, 0 wake, 1 light, 2 deep, 3 REM' }, sleepCodes)),
  stage_list: Maybe(Stages({ description: 'sleep_stages in V1 and V2' }, sleepCodes)),
  breath_stages: Maybe(Stages({ description: 'The vendor documents no codes' })),
  osa_stages: Maybe(Stages({ description: 'breath_stages in older Get Session results' })),
  osa_stage_list: Maybe(Stages({ description: 'breath_stages in V1' })),
  snoring_stages: Maybe(Stages({ description: '-1 no data, 0 no snoring, 1 snoring' }, [-1, 0, 1])),
}

type StageArrays = { [K in keyof typeof stageArrays]?: number[] | null }

const names = Object.keys(stageArrays) as Array<keyof StageArrays>

/** The number of epochs in the longest array. */
export function longest(arrays: StageArrays): number {
  let most = 0
  for (const name of names) most = Math.max(most, arrays[name]?.length ?? 0)
  return most
}

/** The arrays that are present, one per series. `stages` has one value per 30-second epoch. */
export function seriesOf(arrays: StageArrays): Array<{ series: string; stages: number[] }> {
  const found = {
    sleep: arrays.sleep_stages ?? arrays.stage_list,
    breath: arrays.breath_stages ?? arrays.osa_stages ?? arrays.osa_stage_list,
    snoring: arrays.snoring_stages,
  }
  return Object.entries(found).flatMap(([series, stages]) => (stages ? [{ series, stages }] : []))
}
