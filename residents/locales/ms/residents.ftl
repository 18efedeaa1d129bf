language-chosen = Mesej akan dihantar dalam Bahasa Melayu apabila ada, jika tidak dalam bahasa Thai.
