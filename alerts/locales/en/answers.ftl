# Answers to residents
thanks-safe = Thank you: we noted that you are safe. If you need help, call 199 or 1669.
