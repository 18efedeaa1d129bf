consent-warnings =
    Majlis perbandaran memohon menyimpan lokasi rumah anda, untuk memberi amaran banjir dan membantu anda ketika bencana.
    • Hanya untuk amaran dan bantuan; tidak diberikan kepada sesiapa.
    • Tarik balik atau padam semuanya pada bila-bila masa: tulis "data saya" atau "padam data saya".
consent-needs =
    Majlis perbandaran memohon menyimpan bantuan yang diperlukan oleh penghuni rumah anda (data kesihatan), untuk menyelamat dan memindahkan ketika banjir.
    • Data disulitkan, dilihat hanya oleh pegawai yang perlu membantu, dan setiap kali dilihat direkodkan.
    • Anda tidak wajib memberitahu, dan boleh memadamnya pada bila-bila masa.
consent-again = Kami telah mengubah teks tentang penggunaan data anda. Sila baca dan pilih sekali lagi.
label-agree = Saya setuju
label-consent-withdraw = Tarik balik
me =
    Data anda (ahli { $number })
    • Amaran: { $consent ->
        [yes] anda bersetuju
       *[no] belum bersetuju
    }
    • Rumah: { $homes }
    • Identiti: { $identity ->
        [yes] disahkan
       *[no] belum disahkan
    }
    • Kumpulan: { $groups }
me-no-groups = tiada
label-export = Salinan data saya
label-page = Urus data saya
label-erase = Padam semua
export-ready = Salinan semua data anda. Pautan ini sah selama 15 minit. Jangan berikan kepada orang lain.
export-too-many = Masih ada pautan yang sah. Gunakan salah satu, atau tunggu 15 minit.
label-open-export = Buka data saya
erase-ask =
    Padam semua data anda?
    • Rumah, keperluan, nama, gambar, mesej dan sejarah perbualan ini akan hilang dan tidak boleh dikembalikan.
    • Anda tidak akan menerima amaran banjir lagi.
    • Daripada laporan anda hanya jenis, masa dan kawasan kasar kekal. Jika anda masih menunggu bantuan, kami mungkin tidak dapat mencari anda.
erase-kept = Tiada apa yang dipadam. Semua data anda masih ada.
label-erase-yes = Padam semua
label-erase-no = Jangan padam
farewell = Semua data anda telah dipadam. Resit { $receipt }. Jika anda menulis lagi, kami bermula semula tanpa mengenali anda.
farewell-by-officer = Semua data anda telah dipadam seperti yang diminta melalui pegawai. Jika anda menulis lagi, kami bermula semula tanpa mengenali anda.
identity-checked = Identiti anda disahkan. Terima kasih.
group-joined = Anda kini ahli kumpulan "{ $group }".
code-wrong = Kod ini tidak berfungsi: mungkin tersalah taip, telah digunakan atau tamat tempoh.
code-for-leaders = Kod ini untuk kumpulan ketua di LINE. Taipkannya di situ.
code-too-many = Terlalu banyak kod salah. Sila tunggu sejam dan cuba lagi.
