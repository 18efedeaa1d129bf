# Why a job comes first
term-tier = { $tier ->
    [1] Tier 1, life
    [2] Tier 2, urgent
    [3] Tier 3, service
   *[other] Tier 4, information
}
term-tier-raised = Tier 1, life: more than a metre of water at a dwelling
term-depth = Water { $depth_cm } cm deep (certainty { $sure } %)
term-depth-dry = Dry in the flood picture
term-depth-unknown = No flood picture tells the depth here
term-rise = Water rises { $rise_cm } cm an hour (certainty { $sure } %)
term-rise-falls = Water falls { $fall_cm } cm an hour
term-rise-still = The water neither rises nor falls
term-rise-unknown = No gauge near here tells whether the water rises
term-vulnerable = Homes of vulnerable people near: { $homes }
term-people = People concerned: { $people }
term-age = Waiting for { $minutes } of { $limit } minutes
term-age-hours = Waiting for { $hours } of { $limit_hours } hours
term-age-first-hours = Waiting for { $minutes } minutes of { $limit_hours } hours

# Why a crew is offered or not
reason-way = There in { $minutes } min, { $km } km, clear of deep water
reason-last-leg = There in { $minutes } min, { $km } km; the last { $leg_m } m on foot or by boat
reason-old-position = There in { $minutes } min, { $km } km; its position is { $old_min } min old
reason-old-position-hours = There in { $minutes } min, { $km } km; its position is { $old_hours } hours old
reason-off-duty = Off duty
reason-cannot = Lacks the skill or tool for this job
reason-busy = Has a job of tier { $tier }
reason-cut-off = Cut off: every way is deeper than the { $limit_cm } cm its vehicle fords
reason-cut-off-boat = Cut off: nowhere is the water { $limit_cm } cm deep for the boat to float

assigned-meanwhile = Meanwhile somebody else has given this job to { $crew }. Look again, then decide.
job-under-way = A crew is on the way or there, or the job has ended: the crew stays.
crew-assigned = Given to: { $crew }
