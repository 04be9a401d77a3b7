/** Invented data, as Asleep would send it. */

const user_id = 'G-20250115025029-example'
const session_id = '20250115025029_example'
const sleep_stages = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
const snoring_stages = [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]

export const inferenceExamples = {
  v3: {
    user_id,
    session_id,
    seq_num: 9,
    inference_seq_num: 0,
    sleep_stages,
    breath_stages: null,
    snoring_stages,
  },
  v2: {
    user_id,
    session_id,
    seq_num: 9,
    inference_seq_num: 0,
    stage_list: sleep_stages,
    breath_stages: null,
  },
}

const stat = {
  sleep_time: '2025-01-15T02:52:29+00:00',
  wake_time: '2025-01-15T02:55:29+00:00',
  sleep_index: 50,
  sleep_latency: 120,
  wakeup_latency: 0,
  light_latency: 0,
  deep_latency: 120,
  rem_latency: null,
  time_in_bed: 300,
  time_in_sleep_period: 180,
  time_in_sleep: 180,
  time_in_wake: 0,
  time_in_light: 120,
  time_in_deep: 60,
  time_in_rem: 0,
  time_in_snoring: 60,
  time_in_no_snoring: 120,
  sleep_efficiency: 0.6,
  light_ratio: 0.67,
  deep_ratio: 0.33,
  rem_ratio: 0,
  waso_count: 0,
  longest_waso: 0,
  sleep_cycle_count: 0,
  sleep_cycle: null,
  sleep_cycle_time: [],
  snoring_count: 1,
}

const result = {
  timezone: 'UTC',
  peculiarities: ['NO_BREATHING_STABILITY'],
  missing_data_ratio: 0,
  session: {
    id: session_id,
    state: 'COMPLETE',
    start_time: '2025-01-15T02:50:29+00:00',
    end_time: '2025-01-15T02:55:29+00:00',
    unexpected_end_time: null,
    created_timezone: 'UTC',
    sleep_stages,
    breath_stages: null,
    snoring_stages,
  },
  stat,
}

export const sessionExamples = {
  v3: { user_id, ...result },
  v2: { user_id, session_id, sleep_data: result },
}
