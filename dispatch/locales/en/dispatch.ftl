# Why a job comes first
term-tier = { $tier ->
    [1] Tier 1, life
    [2] Tier 2, urgent
    [3] Tier 3, service
   *[other] Tier 4, information
}
term-tier-raised = Tier 1, life: more than a metre of water at a dwelling
term-depth = Water { $depth_cm } cm deep (certainty { $sure } %)
term-rise = Water rises { $rise_cm } cm an hour (certainty { $sure } %)
term-vulnerable = Homes of vulnerable people near: { $homes }
term-people = People concerned: { $people }
term-age = Waiting for { $minutes } of { $limit } minutes

# Why a crew is offered or not
reason-way = There in { $minutes } min, { $km } km, clear of deep water
reason-last-leg = There in { $minutes } min, { $km } km; the last { $leg_m } m on foot or by boat
reason-old-position = There in { $minutes } min, { $km } km; its position is { $old_min } min old
reason-off-duty = Off duty
reason-cannot = Lacks the skill or tool for this job
reason-busy = Has a job of tier { $tier }
reason-cut-off = Cut off: every way is deeper than the { $limit_cm } cm its vehicle fords
reason-cut-off-boat = Cut off: nowhere is the water { $limit_cm } cm deep for the boat to float

crew-assigned = { $crew } has taken it on
