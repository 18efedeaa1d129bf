# Answers from the city's articles on LINE
answer = { $title }
    { $answer }

    { $source }
answer-more = { $title }
    { $body }

    { $source }
source = Source: { $source }
source-page = page { $page }
source-simulated = Simulated, for demonstration
unknown = We have no answer to this yet. Shall an officer answer? If something has happened that you want to report, tap "Report this".
not-helped = Thank you for telling us. Shall an officer answer? If something has happened that you want to report, tap "Report this".
helped = Thank you. Ask us at any time.
handed-over = An officer has your question. The answer comes here, in office hours. Write on if there is more. In danger call 1669 · 191 · 199.
handed-over-meanwhile = An officer has your wish. The answer comes here, in office hours. The report that you are telling waits for you: tap to go on. In danger call 1669 · 191 · 199.
added = The officer has this as well. If something has happened that you want to report, tap "Report this".
officers-answer = An officer answers
    { $text }

    Write on if you have more questions.
closed-by-officer = The officer has closed this question. Ask again at any time.
closed-by-resident = The question is closed. Ask again at any time.
old-button = This button belongs to an earlier question. Just ask again.
label-yes = That helps
label-no = Not what I asked
label-more = Read more
label-officer = Ask an officer
label-go-on = Go on reporting
label-report = Report this
label-close = End the question
day = { $day } { $month } { $year }
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
