# Janji dan apa yang pudar (menunggu semakan penutur asli)
city-desk = Kaunter majlis
state-sent_on = dihantar kepada agensi lain
told-sent_on = Nombor { $number } { $category }: dihantar kepada { $agency }. Masa yang dijanjikan tetap sama.
told-waiting = Nombor { $number } { $category }: majlis ada soalan untuk anda. Tekan "Jawab ini" dan tulis jawapan anda.
told-way = Sejak mesej terakhir: { $way }
label-answer = Jawab ini
label-still = Masih begitu
label-worse = Lebih teruk
label-gone = Sudah tiada
answer-write = Tulis jawapan anda sekarang, kami sampaikan kepada pegawai.
answer-taken = Jawapan anda diterima. Terima kasih, pegawai meneruskan kerja.
answer-late = Tiada lagi yang ditanya tentang hal ini. Terima kasih.
still-question = Nombor { $number } { $category }, { $place }
    Adakah masih begitu?
still-thanks-still = Terima kasih. Kami tunjukkan bahawa keadaan masih begitu.
still-thanks-worse = Terima kasih. Bilik kawalan melihat bahawa keadaan lebih teruk. Jika ada orang dalam bahaya, hubungi 1669 · 191 · 199
still-thanks-gone = Terima kasih. Syukurlah sudah tiada.
told-category = Nombor { $number }: majlis kini mengendalikannya sebagai { $category }
told-agency = Nombor { $number } { $category }: { $agency } bertanggungjawab
told-invited = Nombor { $number } { $category }: { $agency } turut membantu
told-partner_said = Nombor { $number } { $category }: mesej daripada mereka yang mengusahakannya
