# Jawapan daripada bandar melalui LINE (menunggu semakan penutur asli)
unknown = Kami belum ada jawapan untuk ini. Mahu pegawai menjawab? Jika ada kejadian yang ingin dilaporkan, tekan "Laporkan ini".
not-helped = Terima kasih. Mahu pegawai menjawab? Jika ada kejadian yang ingin dilaporkan, tekan "Laporkan ini".
helped = Terima kasih. Tanya kami bila-bila masa.
handed-over = Soalan anda telah dihantar kepada pegawai. Jawapan akan sampai di sini pada waktu pejabat. Jika dalam bahaya, hubungi 1669 · 191 · 199.
handed-over-meanwhile = Permintaan anda telah dihantar kepada pegawai. Jawapan akan sampai di sini pada waktu pejabat. Laporan yang sedang ditulis menunggu anda: tekan untuk meneruskan. Jika dalam bahaya, hubungi 1669 · 191 · 199.
added = Pegawai telah menerima mesej ini. Jika ada kejadian yang ingin dilaporkan, tekan "Laporkan ini".
officers-answer = Jawapan pegawai
    { $text }

    Tulis lagi jika ada soalan.
closed-by-officer = Pegawai telah menutup soalan ini. Tanya lagi bila-bila masa.
closed-by-resident = Soalan ditutup. Tanya lagi bila-bila masa.
old-button = Butang ini milik soalan terdahulu. Sila tanya semula.
label-yes = Ini membantu
label-no = Bukan soalan saya
label-more = Baca lagi
label-officer = Tanya pegawai
label-go-on = Teruskan laporan
label-report = Laporkan ini
label-close = Tamatkan soalan
