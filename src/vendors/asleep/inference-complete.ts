import { type Static, Type } from '@sinclair/typebox'
import { type Drift, NO_DRIFT } from '../../contract/drift.ts'
import { Id, Integer, Maybe } from '../../contract/schema.ts'
import { rowsFor } from '../../tables/target.ts'
import { inBothEnvelopes } from './envelope.ts'
import { inferenceExamples } from './examples.ts'
import { longest, seriesOf, stageArrays } from './stages.ts'
import { windows } from './tables/stages.ts'

const EPOCHS_PER_CHUNK = 10

const data = Type.Object({
  user_id: Id(),
  session_id: Id(),
  seq_num: Maybe(Integer({ description: 'Number of the audio upload, one per 30 s, from 0' })),
  inference_seq_num: Integer({ description: 'floor(seq_num / 10): the array ends with this 5-minute chunk' }),
  ...stageArrays,
})

type Data = Static<typeof data>

/** Provisional stages of the last minutes of a running session. */
export const inferenceComplete = inBothEnvelopes({
  name: 'INFERENCE_COMPLETE',
  data,
  examples: inferenceExamples,
  drift: epochsBeforeStart,
  normalise: (data, callback_version) => [
    rowsFor(
      windows,
      seriesOf(data).map(({ series, stages }) => ({
        user_id: data.user_id,
        session_id: data.session_id,
        series,
        inference_seq_num: data.inference_seq_num,
        seq_num: data.seq_num ?? null,
        stages,
        callback_version,
      })),
    ),
  ],
})

/**
 * Reports a window that covers epochs before the start of the session: its chunk number is negative, or its array is
 * longer than the session so far. No view shows these epochs.
 */
function epochsBeforeStart(data: Data, path: string): readonly Drift[] {
  const { inference_seq_num } = data
  if (inference_seq_num >= 0 && longest(data) <= EPOCHS_PER_CHUNK * (inference_seq_num + 1)) return NO_DRIFT
  return [{ kind: 'value', path: `${path}.inference_seq_num` }]
}
