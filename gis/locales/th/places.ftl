place-area-and-road = {$area} ใกล้{$road}
place-road = ใกล้{$road}
place-area = {$area}
place-near-area = ใกล้{$area}
place-outside = นอกเขต{$city}

# ทำไมหาตำแหน่งจากข้อความไม่ได้
no-place-empty = ไม่มีข้อความให้ค้นหา
no-place-no-name = ไม่พบชื่อสถานที่ที่รู้จักในข้อความ
no-place-many = มี {$bearers} แห่งที่ชื่อ “{$name}” โปรดระบุอำเภอหรือจังหวัด
no-place-elsewhere = ชื่อสถานที่ในข้อความดูเหมือนชื่อคนหรือที่มาของผู้แจ้ง ไม่ใช่จุดเกิดเหตุ
no-place-closed-link = ลิงก์แผนที่แบบย่อเปิดอ่านโดยไม่ใช้อินเทอร์เน็ตไม่ได้ โปรดส่งพิกัดหรือปักหมุด

# บ้านเลขที่บนถนน
house = บ้านเลขที่ {$number} {$street}
house-approximate = บ้านเลขที่ {$number} {$street} (โดยประมาณ)
