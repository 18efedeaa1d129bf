// What residents ask officers, and the articles that answer without one.
import { Resource } from '../../shared/live.svelte'
import { session } from '../../shared/session.svelte'
import { desk } from '../desk.svelte'

export type QuestionState = 'waiting' | 'answered' | 'closed'
export type Waiting = { id: number; state: QuestionState; opened_at: string; moved_at: string; closes_at: string | null; words: string }
export type Line = { id: number; by: string | null; words: string; said_at: string }
export type Suggestion = { article_id: number; title: string; short_answer: string; share: number }
export type Question = {
  id: number
  state: QuestionState
  opened_at: string
  closes_at: string | null
  closed_by: string | null
  last_answer_id: number
  last_question_id: number
  lines: Line[]
  suggestions: Suggestion[]
}
export type ArticleWords = {
  title: string
  short_answer: string
  body: string
  asked_as: string[]
  agency_code: string | null
  source_title: string
  source_page: string | null
  source_url: string | null
  source_dated: string
  valid_until: string | null
  review_on: string
}
export type ArticleState = 'current' | 'review' | 'expired' | 'withdrawn'
export type Article = ArticleWords & {
  id: number
  code: string
  language: string
  trust: string
  number: number
  state: ArticleState
  made_by: string
  made_at: string
  answered: number
  helped: number
  not_helped: number
}

/** As many as one look brings; a city with more finds the rest by the API. */
export const MOST_ARTICLES = 500
const NEWS = ['answers.']
// What needs a person comes first.
const RANK: Record<ArticleState, number> = { expired: 0, review: 1, current: 2, withdrawn: 3 }

class Questions {
  readonly list = new Resource<{ waiting: number; questions: Waiting[] }>(() => (this.mayAnswer ? '/questions' : null), NEWS)
  readonly closed = new Resource<{ waiting: number; questions: Waiting[] }>(() => (this.mayAnswer ? '/questions?state=closed' : null), NEWS)
  readonly articles = new Resource<{ articles: Article[] }>(() => (this.mayAnswer ? `/articles?limit=${MOST_ARTICLES}` : null))
  readonly detail = new Resource<Question>(() => (this.mayAnswer && desk.picked.questions ? `/questions/${desk.picked.questions}` : null), NEWS)

  get mayAnswer(): boolean {
    return session.may('officer', 'admin')
  }

  get waiting(): number {
    return this.list.data?.waiting ?? 0
  }

  get sorted(): Article[] {
    return (this.articles.data?.articles ?? []).toSorted((a, b) => RANK[a.state] - RANK[b.state] || a.title.localeCompare(b.title, 'th'))
  }
}

export const questions = new Questions()
