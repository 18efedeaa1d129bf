welcome =
    Salam. Ini Faonam, saluran majlis perbandaran untuk amaran banjir dan laporan masalah.
    • Tulis, hantar gambar atau lokasi untuk melapor pada bila-bila masa.
    • Beritahu lokasi rumah anda untuk menerima amaran apabila air mungkin sampai.
    Lokasi rumah anda digunakan untuk amaran sahaja, dan anda boleh menariknya balik pada bila-bila masa.
consent-thanks = Terima kasih. Sekarang beritahu lokasi rumah anda: kami akan memberi amaran apabila air mungkin sampai.
consent-withdrawn = Persetujuan anda ditarik balik dan lokasi rumah anda dipadam. Anda masih boleh melapor masalah.
home-ask = Di manakah rumah anda? Tekan "Hantar lokasi" dan alihkan pin ke rumah anda. Lokasi ini digunakan untuk amaran banjir sahaja.
home-saved = Lokasi rumah anda disimpan. Kami akan memberi amaran apabila air mungkin sampai.
home-saved-in = Lokasi rumah anda di { $community } disimpan. Kami akan memberi amaran apabila air mungkin sampai.
home-outside = Lokasi ini di luar kawasan yang kami boleh beri amaran. Sila hantar lokasi rumah anda sekali lagi.
language-ask = เลือกภาษา / Pilih bahasa
language-chosen = Mesej akan dihantar dalam Bahasa Melayu apabila ada, jika tidak dalam bahasa Thai.
label-consent = Setuju terima amaran
label-home = Rumah saya
label-language = ภาษา / Bahasa
label-pin = Hantar lokasi
