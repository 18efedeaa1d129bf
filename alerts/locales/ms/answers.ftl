# Jawapan kepada penduduk
thanks-safe = Terima kasih: kami mencatat bahawa anda selamat. Jika perlu bantuan, telefon 199 atau 1669.
thanks-safe-after-call = Kami mencatat bahawa anda selamat. Panggilan bantuan anda kekal terbuka sehingga pegawai bandar menghubungi anda.
ask-offer = Terima kasih kerana sudi membantu. Apakah yang anda boleh bantu?
offer-boat = Saya ada bot
offer-pickup = Saya ada trak pikap
offer-room = Saya ada tempat
offer-hands = Saya ada tenaga
thanks-offer = Terima kasih: kami mencatatnya dan akan menulis jika diperlukan. Utamakan keselamatan anda dahulu.
remind-silent = { $city }: kami belum menerima jawapan anda tentang "{ $title }". Adakah anda selamat? Sila tekan jawapan di bawah. Kecemasan: telefon 199 atau 1669.
