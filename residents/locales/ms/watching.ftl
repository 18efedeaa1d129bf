# Berita dan kawasan yang diikuti (menunggu semakan penutur asli)
consent-news =
    Majlis perbandaran juga menghantar berita (seperti bekalan air terputus, jalan ditutup) kepada mereka yang diberi amaran.
    • Hentikan berita pada bila-bila masa: amaran banjir tetap dihantar.
news-on = Anda menerima berita majlis perbandaran. Untuk berhenti, tulis "henti berita".
news-off = Anda tidak menerima berita, tetapi amaran banjir tetap dihantar. Untuk menerimanya semula, tulis "mahu berita".
area-choose = Pilih kawasan lain untuk amaran, atau tulis "ikut kawasan" dan nama komuniti.
area-none = Anda tidak mengikuti kawasan selain rumah anda.
area-following = Anda mengikuti: { $areas }
area-stop = Tekan kawasan yang tidak mahu diikuti lagi.
area-full = Anda boleh mengikuti { $limit } kawasan. Tekan satu yang tidak mahu diikuti lagi.
