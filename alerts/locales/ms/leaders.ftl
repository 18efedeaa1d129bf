# Yang dibaca kumpulan ketua komuniti di LINE (menunggu semakan penutur asli)
leader-counts = Kawasan anda: { $zones } · { $homes } rumah di situ, { $vulnerable } daripadanya ada orang yang perlukan bantuan
leader-pass-on = Sila maklumkan penduduk segera, kemudian tekan "Maklum" atau tulis: maklum
leader-label-acknowledge = Maklum
leader-registered = Ini kini kumpulan ketua "{ $name }". Bandar menghantar amaran kawasan anda ke sini. Ketua lain boleh menaip kod yang sama supaya jawapan mereka dikira.
leader-joined = Anda kini ketua kumpulan "{ $name }". Jawapan anda dikira.
leader-acknowledged = Dimaklumi pada { $time }: { $zones }. Terima kasih kerana menyampaikannya.
leader-not-yours = Hanya ketua yang telah menaip kod daripada bandar dikira.
leader-is-over = Amaran ini sudah tamat atau ada yang lebih baharu. Sila baca mesej terakhir.
