exercise-mark = [LATIHAN]
exercise-answered = Ini hanya latihan. Tiada laporan dibuat dan tiada pasukan dihantar. Jika benar-benar perlukan bantuan, hubungi 199 atau 1669.
subscriber-footer = { $city }, amaran { $number }. Anda menerima mesej ini kerana institusi anda meminta amaran daripada majlis perbandaran.
subscriber-until = Berkuat kuasa sehingga { $until }, kecuali dimaklumkan sebaliknya.
subscriber-simulated = Data simulasi bandar contoh: sila abaikan.
subscriber-withdrawn = Dibatalkan: { $title }
subscriber-withdrawn-body = { $city } telah membatalkan amaran { $number }. Ia tidak lagi berkuat kuasa.
