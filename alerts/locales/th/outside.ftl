# สิ่งที่สถานีตรวจวัดของหน่วยงานอื่นบอก
outside-level-event = ระดับน้ำ
outside-level-4 = { $name }: น้ำมาก เกิน 70 % ของตลิ่ง
outside-level-5 = { $name }: น้ำล้นตลิ่ง
outside-rain-event = ฝนตกหนัก
outside-rain = { $name }: ฝน { $rain_24h } มม. ใน 24 ชม. และ { $rain_1h } มม. ในชั่วโมงล่าสุด
outside-dwr-event = น้ำหลาก-ดินถล่ม
outside-dwr-1 = { $name }: เฝ้าระวัง
outside-dwr-2 = { $name }: เตรียมพร้อม
outside-dwr-3 = { $name }: วิกฤต
# คำเตือนจากภายนอกเป็นเหตุผลของการแจ้งเตือน
outside-said = { $source }: { $headline } ประกาศเมื่อ { $time } ({ $age }ที่แล้ว){ $wide }{ $mark }
outside-wide = { " " }ประกาศทั้งจังหวัด
outside-mark-Test = { " " }(เป็นการทดสอบ)
outside-mark-Exercise = { " " }(เป็นการฝึกซ้อม)
outside-mark-System = { " " }(เป็นข้อความของระบบเอง)
outside-mark-Draft = { " " }(เป็นร่าง)
outside-age-minutes = { $count } นาที
outside-age-hours = { $count } ชั่วโมง
outside-age-days = { $count } วัน
# ข้อสังเกตของคำเตือนจากภายนอก
outside-finding-buddhist_year = ใช้ปีพุทธศักราช ระบบลบ 543 ให้แล้ว
outside-finding-unknown_reference = อ้างถึงคำเตือนที่ไม่เคยได้รับ
outside-finding-no_expiry = ไม่ได้บอกเวลาสิ้นสุด แสดงไว้ { $hours } ชั่วโมง
outside-finding-not_actual = ไม่ใช่คำเตือนจริง: { $detail }
outside-finding-wide = เป็นพื้นที่กว้างกว่าเมืองมาก ขอบเขตอย่างเดียวไม่ทำให้เสนอแจ้งเตือน
outside-finding-no_hazard = ไม่ใช่ภัยที่ระบบนี้แจ้งเตือน
outside-finding-low_water = เป็นเรื่องน้ำน้อย ไม่ใช่น้ำท่วม
outside-finding-no_row = ตารางของเมืองไม่ได้กล่าวถึง
outside-finding-no_zones = แถวในตารางของเมืองไม่ตรงกับพื้นที่ใด
outside-finding-future = เวลาประกาศอยู่ในอนาคต
outside-finding-other = { $detail }
# สถานะของแหล่งข้อมูล
outside-never = ยังไม่เคยตอบ
outside-silent = เงียบตั้งแต่ { $time }
outside-works = ตอบเมื่อ { $age }ที่แล้ว
outside-waits = แหล่งนี้ส่งมาเอง ยังไม่มีข้อมูลเข้ามา
outside-failing = ล้มเหลวตั้งแต่ { $time } จำนวน { $count } ครั้ง จะลองใหม่เวลา { $next }
outside-off = ปิดอยู่
