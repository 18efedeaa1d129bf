# Reporting over LINE
ask-words = Report to the city: what has happened? Just write it.
ask-words-of-photo = We have your picture. What has happened? A few words are enough.
ask-category = What is it about? Choose what fits best.
ask-category-unknown = Thank you. Please choose what it is about.
ask-category-all = Choose what fits best.
ask-pin = Where is it? Please send us a pin. If you have a picture, send it too: one helps the crew to bring the right things.
ask-pin-only = We have your picture. Where is it? Please send us a pin.
ask-photo-place = The photo says it was taken at { $photo_place }. Is this where it happened? Press "The photo's place", or send a pin of the right place.
ask-far-pin = This place lies about { $far_km } km outside the city. Is it right? Send another pin, or tap "Keep this place".
ask-confirm = Please check before sending
    About: { $category }
    Details: { $text }
    Pictures: { $photos }
    Place: { $place }
    Confirm to send it to the city.
ask-confirm-private = Please check before sending
    About: { $category }
    Details: { $text }
    Pictures: { $photos }
    Place: { $place }
    Not public: only the city's officers will see it.
    Confirm to send it to the city.
no-text = (no words)
cancelled = Cancelled. Nothing was sent. You can report again at any time.
old-button = This button belongs to an earlier report. Just write what has happened.
submitted = We have your report. Number { $number }
    { $category } · { $place }
    { $agency } will act by { $promised }.
    You will hear at every step. Write "status" to follow it.
submitted-joined = We have your report. Number { $number }
    { $people } people reported this; it is one case.
    { $category } · { $place }
    You will hear at every step.
submitted-again = We have added this to your report, number { $number }. The city sees that you wrote again.
    { $category } · { $place }
    You will hear at every step.
the-city = The city
help-greeting = Hello, this is the city. Just write what has happened, such as "water in my street", or "status" to follow your report.
help-menu = Just write what has happened, such as "water in my street", or "status" to follow your report. If somebody is in danger, write "help me" or call 1669 · 191 · 199.
help-thanks = Thank you. Write to us whenever something happens.
pin-without-report = We have the place, but do not know what has happened. Write that first, and we will ask for the place again.
pin-after-report = We have this place. If it is for the report that you have just sent, write "status" and tap "Change the place". If something else has happened, write that first.
text-cut = That is more than fits one report: we keep the beginning. You can add the rest once it is sent.
only-these = You can send us words, a picture or a pin.
photo-unusable = A picture that you sent could not be used. We can use photos as JPEG or PNG, up to 10 MB; not PDF, HEIC or broken files. Please send it again as a photo.

# Emergencies
emergency-label = Emergency
emergency-title = Call at once if somebody is in danger
emergency-numbers = 1669 medical · 191 police · 199 fire and rescue
emergency-open = We have your call for help. Number { $number }, at the last place we know. The control room sees it and is looking for the nearest crew. Send a pin to say exactly where.
emergency-open-home = We have your call for help. Number { $number }, at your registered home. The control room sees it and is looking for the nearest crew. If you are elsewhere, send a pin now.
emergency-open-words = We have your call for help. Number { $number }, at the place that you wrote. The control room sees it and is looking for the nearest crew. Send a pin to say exactly where.
emergency-where = Where are you? Send a pin now: the control room must know it to find a crew for you.
emergency-more = The control room has this message. If you are elsewhere, send a pin. In danger call 1669 · 191 · 199.
emergency-moved = We have the new place. Number { $number }: the control room sees it. In danger call 1669 · 191 · 199.
emergency-far = That place lies about { $far_km } km outside the city. If it is not where you are, send another pin now.
call-1669 = Call 1669
call-191 = Call 191
call-199 = Call 199
help-summary = Asked for help from an alert

# Buttons
label-cancel = Cancel
label-confirm = Confirm
label-other = Something else
label-more = More
label-camera = Take a photo
label-camera-roll = Choose a photo
label-pin = Send a pin
label-home = At my home
label-photo-place = The photo's place
label-keep-far = Keep this place
label-private = Do not show publicly
label-public = May be public
label-reopen = Not yet solved
label-close = All is well

# Progress
status-none = You have no report with us. Just write what has happened.
status = Number { $number } · { $category }
    Place: { $place }
    State: { $state }
    Reported { $opened } · promised by { $promised }
state-new = received, waiting for a crew
state-accepted = assigned
state-in_progress = in progress
state-done = finished
state-closed = closed
state-rejected = not accepted
state-reopened = opened again
told-accepted = Number { $number } { $category }: somebody is in charge now
told-in_progress = Number { $number } { $category }: work is under way
told-done = Number { $number } { $category }: finished
told-closed = Number { $number } { $category }: closed. Thank you for reporting.
told-rejected = Number { $number } { $category }: the city cannot act on this
told-reopened = Number { $number } { $category }: opened again, a crew will look once more
told-merged = Number { $number }: { $people } people reported the same thing; it is one case now. Follow it under number { $survivor }.
told-parted = Your report is no longer part of number { $number }: it is a case of its own, number { $own }.
reason-took-in = Took in { $number }
reason-merged-into = Merged into { $number }
reason-parted = Taken apart from { $number } again
reason-split-from = Split from { $number }
reason-split-off = Reports became { $number }
told-reason = { $told }
    { $reason }
told-done-question = { $told }
    Is all well?
reason-reporter-not-satisfied = The reporter says that it is not solved
reason-reporter-satisfied = The reporter says that all is well

# Time
moment = { $day } { $month } { $year } { $time }
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
