import { Type } from '@sinclair/typebox'
import { Id, Integer, Maybe } from '../../ingest/schema.ts'
import { into } from '../../tables/target.ts'
import { inBothEnvelopes } from './envelope.ts'
import { inferenceExamples } from './examples.ts'
import { seriesOf, stageArrays } from './stages.ts'
import { windows } from './tables/stages.ts'

const data = Type.Object({
  user_id: Id(),
  session_id: Id(),
  seq_num: Maybe(Integer({ description: 'Number of the audio upload, one per 30 s, from 0' })),
  inference_seq_num: Integer({ description: 'floor(seq_num / 10): the array ends with this 5-minute chunk' }),
  ...stageArrays,
})

/** The provisional stages of the last minutes of a running session. */
export const inferenceComplete = inBothEnvelopes({
  name: 'INFERENCE_COMPLETE',
  data,
  examples: inferenceExamples,
  normalise: (data, callback_version) => [
    into(
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
