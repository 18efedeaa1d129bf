# Answers to residents
thanks-safe = Thank you: we noted that you are safe. If you need help, call 199 or 1669.
thanks-safe-after-call = We noted that you are safe. Your earlier call for help stays open until somebody of the city has spoken with you.
ask-offer = Thank you for offering help. What can you help with?
offer-boat = I have a boat
offer-pickup = I have a pickup
offer-room = I have room
offer-hands = I can lend a hand
thanks-offer = Thank you: we noted it and will write if it is needed. Please look after your own safety first.
remind-silent = { $city }: we have no answer from you about "{ $title }". Are you safe? Please tap an answer below. Emergency: call 199 or 1669.
