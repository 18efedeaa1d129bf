// What the API refused, as the screen's language says it.
import type { ApiProblem } from './api'
import { t, words } from './words.svelte'

/** A sentence of this case; in Thai the one of its kind, which the API has in Thai. */
export function refusalWords(problem: ApiProblem): string {
  if (problem.isOffline) return t('failed-offline')
  return (words.language === 'th' && (problem.detail_th || problem.title_th)) || problem.detail
}

/** Which part of it, where only English can say so. */
export const refusalDetail = (problem: ApiProblem) => (problem.isOffline || words.language !== 'th' || problem.detail_th || refusalWords(problem) === problem.detail ? '' : problem.detail)
