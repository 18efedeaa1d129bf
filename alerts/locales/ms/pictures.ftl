# Gambar peta
picture-caption = Peta kawasan amaran, utara di atas
