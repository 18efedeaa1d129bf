# Why the system proposes an alert
gauge = { $name }: water at { $level } m MSL, { $bank }{ $trend }
gauge-over-bank = { $metres } m above the bank
gauge-under-bank = { $metres } m below the bank
gauge-no-bank = bank level unknown
gauge-rising = , rising { $metres } m/h
gauge-falling = , falling { $metres } m/h
gauge-steady = , steady
gauge-silent = { $name }: silent since { $time }; last at { $level } m MSL
camera-agrees = Camera { $name } sees { $level } m MSL and agrees with { $gauge } ({ $metres } m apart)
camera-differs = Camera { $name } sees { $level } m MSL, { $metres } m off { $gauge }: check it
camera-alone = Camera { $name } sees { $level } m MSL
exposure = In the water now: about { $people } people, { $homes } homes, { $vulnerable } of them vulnerable, { $roads } km of road, { $facilities } facilities
reports = { $count } reports of residents from these zones within { $hours } hours
doubt = Confidence of the flood picture: { $percent }%
doubt-by-zone = Confidence of the flood picture: { $percent }% to { $most }%, by zone
calm = The water is back to normal in every zone that was warned
not-calm = The water is not back to normal in: { $zones }
