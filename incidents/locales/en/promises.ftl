# Promises, agencies, and what fades
city-desk = The city's desk
state-sent_on = sent on to another agency
told-sent_on = Number { $number } { $category }: sent on to { $agency }. The promised time stays the same.
told-waiting = Number { $number } { $category }: the city has a question for you. Press "Answer this" and write your answer.
told-way = Since the last message: { $way }
label-answer = Answer this
label-still = It is still so
label-worse = It is worse
label-gone = It is gone
answer-write = Write your answer now, we pass it on to the officer.
answer-taken = We have your answer. Thank you, the officer goes on with it.
answer-late = Nothing is asked about this any more. Thank you.
still-question = Number { $number } { $category }, { $place }
    Is it still so?
still-thanks-still = Thank you. We show that it is still so.
still-thanks-worse = Thank you. The duty room sees that it is worse. Where somebody is in danger, call 1669 · 191 · 199
still-thanks-gone = Thank you. Good that it is gone.
reason-answered = The reporter has answered
reason-still-still = The reporter says that it is still so
reason-still-worse = The reporter says that it is worse
reason-still-gone = The reporter says that it is gone

# What an officer reads where something cannot be done
wrong-step = From "{ $before }" an incident cannot become "{ $after }"
changed-meanwhile = Meanwhile somebody else has changed it to "{ $state }". Look again, then decide.
hidden-meanwhile = Meanwhile somebody else has changed what is hidden. Look again, then decide.
handing-same = It is with { $agency } already.
handing-back = { $agency } has sent this incident on itself. Send it to { $desk }, which decides.
handing-often = This incident has been sent on { $count } times. Send it to { $desk }, which decides.
waiting-not-open = It has ended: its clock cannot wait for the reporter.
waiting-already = It waits for the reporter's answer already.
waiting-nobody = No reporter can be written to: there is nobody to wait for.
waiting-used-up = It has waited for the reporter as long as the city allows.
waiting-not = It does not wait for the reporter.
keeping-not-open = It has ended: there is nothing to keep alive.

# Deeds of the officers' inbox
reason-category = Category changed from { $before } to { $after }
told-category = Number { $number }: the city now treats this as { $category }
told-agency = Number { $number } { $category }: { $agency } is responsible
told-partner_said = Number { $number } { $category }: a message from those who work on it
told-invited = Number { $number } { $category }: { $agency } helps too
category-same = It is of the category { $category } already.
assigning-begun = An agency has accepted it already, or it has ended: send it on instead.
