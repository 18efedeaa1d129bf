welcome =
    Hello. This is Faonam, the municipality's channel for flood warnings and for reporting problems.
    • Write, send a picture or a place to report a problem at any time.
    • Tell us where your home is to be warned when water may reach it.
    We use the place of your home for warnings only, and you can take it back at any time.
consent-thanks = Thank you. Now tell us where your home is: we will warn you when water may reach it.
consent-withdrawn = Your consent is withdrawn and the place of your home is deleted. You can still report problems.
home-ask = Where is your home? Tap "Send place" and move the pin to your home. We use this place for flood warnings only.
home-saved = The place of your home is saved. We will warn you when water may reach it.
home-saved-in = The place of your home in { $community } is saved. We will warn you when water may reach it.
home-outside = This place is outside the area we can warn for. Please send the place of your home again.
language-ask = เลือกภาษา / Choose a language
language-chosen = We will write to you in English.
label-consent = Agree to warnings
label-home = My home
label-language = ภาษา / Language
label-pin = Send place
