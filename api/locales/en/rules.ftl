# Warnings before a watch rule is kept, and sentences of fields that were filled in wrongly.
rule-level-watch = watch
rule-level-warning = warning
rule-level-danger = danger
rule-unit-m = m
rule-unit-mm = mm
rule-warning-above-bank = The level “{ $level }”, { $value } m MSL, is { $above } m above the bank ({ $bank } m MSL): water is over the bank before this rule warns.
rule-warning-below-bed = The level “{ $level }”, { $value } m MSL, is { $below } m below the bed ({ $bed } m MSL): even a dry canal is above it.
rule-warning-dead-band-wide = The dead band of { $band } { $unit } is wider than the closest two levels are apart ({ $gap } { $unit }): the state skips steps as it falls.
rule-warning-dead-band-to-floor = The dead band of { $band } { $unit } below “{ $level }” at { $value } { $unit } ends below the lowest possible value ({ $floor } { $unit }): the state never comes back to normal.
rule-warning-never-reached = None of the { $readings } good readings of the dry run reaches “{ $level }”.
rule-warning-always-reached = All { $readings } good readings of the dry run reach “{ $level }”: this rule would warn without end.
rule-warning-no-readings = There are no good readings in the dry run, so nothing tells what this rule would do.
field-timezone_aware = { $field }: a time must say its time zone, as in 2026-11-21T10:00:00+07:00
