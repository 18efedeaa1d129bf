held = We have many messages from you. All are kept, and an officer will look at them; for a while they are not answered. If somebody is in danger, write "help me" or call 1669 · 191 · 199.
blocked = The city does not take ordinary reports from you until { $until }. What you send is kept. Emergencies always get through: write "help me" or call 1669 · 191 · 199. If you think this is wrong, contact the city.
not-blocked = This member is not blocked.
still-blocked = This member is blocked: end the block first, then let the messages through.
