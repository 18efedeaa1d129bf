# ภาพแผนที่
picture-caption = แผนที่พื้นที่แจ้งเตือน ทิศเหนืออยู่ด้านบน
picture-simulated = ข้อมูลจำลอง
