# เหตุที่ไม่รับข้อมูล
refused-unknown-datastream = ยังไม่มีสถานีรหัสนี้ในระบบ
refused-wrong-unit = หน่วยไม่ตรงกับหน่วยของสถานี
refused-no-time-zone = เวลาที่ส่งมาไม่บอกเขตเวลา
refused-future-time = เวลาที่ส่งมาล่วงหน้าเกิน 15 นาที
refused-too-old = เวลาที่ส่งมาเก่ากว่า 30 วัน
refused-conflicting-value = มีค่าอื่นของเวลาเดียวกันอยู่แล้ว
refused-missing-after-value = ไม่มีค่า แต่มีค่าของเวลาเดียวกันเก็บไว้แล้ว
refused-value-after-missing = มีค่า แต่เวลาเดียวกันเก็บไว้แล้วว่าไม่มีค่า
refused-wrong-key = ไม่ได้ส่งมาพร้อมกุญแจของสถานี
refused-too-large = ข้อความใหญ่เกินกำหนด
refused-not-json = อ่านเป็น JSON ไม่ได้
refused-not-an-object = ไม่ใช่ค่าที่วัดได้ แต่เป็นอย่างอื่น
refused-malformed = ขาดข้อมูลบางช่อง หรืออ่านไม่ได้
refused-not-allowed = ที่นี่ไม่รับข้อความ SensorThings
refused-no-such-topic = หัวข้อที่ส่งมาไม่รับค่าที่วัดได้ (Observation)
refused-unstorable = ฐานข้อมูลรับไว้ไม่ได้
refused-other = ไม่รับด้วยเหตุที่ยังไม่มีคำอธิบาย
