# What the leaders' groups read on LINE
leader-counts = Your zones: { $zones } · { $homes } homes there, { $vulnerable } of them with people who need help
leader-pass-on = Please tell your people at once, then tap "Acknowledge" or write: acknowledged
leader-label-acknowledge = Acknowledge
leader-registered = This is now the leaders' group "{ $name }". The municipality sends the warnings of your zones here. Other leaders may type the same code, so that their acknowledgement counts.
leader-joined = You are a leader of the group "{ $name }" now. Your acknowledgement counts.
leader-acknowledged = Acknowledged at { $time }: { $zones }. Thank you for passing it on.
leader-not-yours = Only leaders who have typed the municipality's code acknowledge.
leader-is-over = This warning is over, or a newer one has taken its place. Please read the last message.
