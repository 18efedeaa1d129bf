# Laporan melalui LINE (menunggu semakan penutur asli)
ask-words = Lapor kepada majlis: apakah yang berlaku? Tulis sahaja.
ask-words-of-photo = Gambar anda diterima. Apakah yang berlaku? Beberapa patah perkataan sudah cukup.
ask-category = Ini tentang apa? Pilih yang paling sesuai.
ask-category-unknown = Terima kasih. Sila pilih ini tentang apa.
ask-category-all = Pilih yang paling sesuai.
ask-pin = Di manakah kejadian itu? Sila hantar lokasi. Jika ada gambar, hantar juga: sekeping gambar membantu pasukan membawa alat yang betul.
ask-pin-only = Gambar anda diterima. Di manakah kejadian itu? Sila hantar lokasi.
ask-confirm = Sila semak sebelum menghantar
    Tentang: { $category }
    Butiran: { $text }
    Gambar: { $photos }
    Tempat: { $place }
    Tekan "Sahkan" untuk menghantar kepada majlis.
no-text = (tiada tulisan)
cancelled = Dibatalkan. Tiada apa-apa dihantar. Anda boleh melapor lagi pada bila-bila masa.
old-button = Butang ini milik laporan terdahulu. Tulis sahaja apa yang berlaku.
submitted = Laporan anda diterima. Nombor { $number }
    { $category } · { $place }
    { $agency } akan bertindak sebelum { $promised }.
    Anda akan dimaklumkan pada setiap langkah. Tulis "status" untuk mengikutinya.
submitted-joined = Laporan anda diterima. Nombor { $number }
    { $people } orang melaporkan hal ini; semuanya menjadi satu kes.
    { $category } · { $place }
    Anda akan dimaklumkan pada setiap langkah.
submitted-again = Ini ditambah pada laporan anda, nombor { $number }. Majlis melihat bahawa anda menulis lagi.
    { $category } · { $place }
    Anda akan dimaklumkan pada setiap langkah.
the-city = Majlis
help-greeting = Salam, ini majlis perbandaran. Tulis sahaja apa yang berlaku, misalnya "banjir di jalan saya", atau "status" untuk mengikuti laporan anda.
help-menu = Tulis sahaja apa yang berlaku, misalnya "banjir di jalan saya", atau "status" untuk mengikuti laporan anda. Jika ada orang dalam bahaya, tulis "tolong saya" atau hubungi 1669 · 191 · 199.
help-thanks = Terima kasih. Tulislah kepada kami apabila sesuatu berlaku.
pin-without-report = Lokasi diterima, tetapi kami belum tahu apa yang berlaku. Tulis itu dahulu, kemudian kami akan bertanya lokasi sekali lagi.
pin-after-report = Kami sudah terima tempat ini. Jika untuk laporan yang baru dihantar, tulis "status" dan tekan "Ubah tempat". Jika perkara lain berlaku, tulis itu dahulu.
text-cut = Tulisan ini terlalu panjang untuk satu laporan: kami menyimpan bahagian awalnya. Anda boleh menambah selebihnya selepas laporan dihantar.
only-these = Anda boleh menghantar tulisan, gambar atau lokasi.
photo-unusable = Gambar yang anda hantar tidak dapat digunakan. Kami boleh guna foto JPEG atau PNG, hingga 10 MB; bukan PDF, HEIC atau fail rosak. Sila hantar semula sebagai foto.

# Kecemasan
emergency-label = Kecemasan
emergency-title = Telefon segera jika ada orang dalam bahaya
emergency-numbers = 1669 perubatan · 191 polis · 199 bomba dan penyelamat
emergency-open = Panggilan bantuan anda diterima. Nombor { $number }, di tempat terakhir yang kami tahu. Bilik kawalan melihatnya dan mencari pasukan terdekat. Hantar lokasi supaya kami tahu tempat yang tepat.
emergency-open-home = Panggilan bantuan anda diterima. Nombor { $number }, di rumah anda yang berdaftar. Bilik kawalan melihatnya dan mencari pasukan terdekat. Jika anda di tempat lain, hantar lokasi sekarang.
emergency-open-words = Panggilan bantuan anda diterima. Nombor { $number }, di tempat yang anda tulis. Bilik kawalan melihatnya dan mencari pasukan terdekat. Hantar lokasi supaya kami tahu tempat yang tepat.
emergency-where = Di manakah anda? Hantar lokasi sekarang: bilik kawalan mesti tahu untuk mencari pasukan bagi anda.
emergency-more = Bilik kawalan menerima mesej ini. Jika anda di tempat lain, hantar lokasi. Jika dalam bahaya, hubungi 1669 · 191 · 199.
emergency-moved = Tempat baharu diterima. Nombor { $number }: bilik kawalan melihatnya. Jika dalam bahaya, hubungi 1669 · 191 · 199.
emergency-far = Tempat itu kira-kira { $far_km } km di luar bandar. Jika anda tidak berada di situ, hantar pin lain sekarang.
call-1669 = Telefon 1669
call-191 = Telefon 191
call-199 = Telefon 199
help-summary = Meminta bantuan daripada amaran

# Butang
label-cancel = Batal
label-confirm = Sahkan
label-other = Hal lain
label-more = Lagi
label-camera = Ambil gambar
label-camera-roll = Pilih gambar
label-pin = Hantar lokasi
label-home = Di rumah saya
label-reopen = Belum selesai
label-close = Semua baik

# Perkembangan
status-none = Anda tiada laporan dengan kami. Tulis sahaja apa yang berlaku.
status = Nombor { $number } · { $category }
    Tempat: { $place }
    Keadaan: { $state }
    Dilapor { $opened } · dijanjikan sebelum { $promised }
state-new = diterima, menunggu pasukan
state-accepted = telah diagihkan
state-in_progress = sedang dijalankan
state-done = siap
state-closed = ditutup
state-rejected = tidak diterima
state-reopened = dibuka semula
told-accepted = Nombor { $number } { $category }: sudah ada yang bertanggungjawab
told-in_progress = Nombor { $number } { $category }: kerja sedang dijalankan
told-done = Nombor { $number } { $category }: siap
told-closed = Nombor { $number } { $category }: ditutup. Terima kasih kerana melapor.
told-rejected = Nombor { $number } { $category }: majlis tidak dapat bertindak atas hal ini
told-reopened = Nombor { $number } { $category }: dibuka semula, pasukan akan memeriksa sekali lagi
told-merged = Nombor { $number }: { $people } orang melaporkan hal yang sama; kini satu kes. Ikuti dengan nombor { $survivor }.
told-parted = Laporan anda bukan lagi sebahagian daripada nombor { $number }: kini kes sendiri, { $own }.
told-reason = { $told }
    { $reason }
told-done-question = { $told }
    Adakah semuanya baik?

# Masa
moment = { $day } { $month } { $year } { $time }
month-1 = Jan
month-2 = Feb
month-3 = Mac
month-4 = Apr
month-5 = Mei
month-6 = Jun
month-7 = Jul
month-8 = Ogos
month-9 = Sep
month-10 = Okt
month-11 = Nov
month-12 = Dis
ask-confirm-private = Sila semak sebelum menghantar
    Tentang: { $category }
    Butiran: { $text }
    Gambar: { $photos }
    Tempat: { $place }
    Tidak dipaparkan kepada umum: hanya pegawai majlis melihatnya.
    Tekan "Sahkan" untuk menghantar kepada majlis.
ask-photo-place = Gambar itu menyatakan ia diambil di { $photo_place }. Adakah di situ tempat kejadian? Tekan "Tempat dalam gambar", atau hantar pin tempat yang betul.
ask-far-pin = Tempat ini kira-kira { $far_km } km di luar bandar. Betulkah? Hantar pin lain, atau tekan "Guna tempat ini".
label-photo-place = Tempat dalam gambar
label-keep-far = Guna tempat ini
label-private = Jangan papar umum
label-public = Boleh papar umum
