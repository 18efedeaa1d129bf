// Why a camera gives no level, in words; a code that is new here is shown as it came.
import { codeWord, t } from '../shared/words.svelte'

export const reasonWords = (reasons: readonly string[]) =>
  reasons.length ? reasons.map((reason) => codeWord('camera-reason', reason.replaceAll('_', '-'))).join(' · ') : t('camera-reason-unknown')
