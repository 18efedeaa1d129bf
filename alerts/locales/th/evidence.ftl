# เหตุผลที่ระบบเสนอแจ้งเตือน
gauge = { $name }: ระดับน้ำ { $level } ม.รทก. { $bank }{ $trend }
gauge-over-bank = สูงกว่าตลิ่ง { $metres } ม.
gauge-under-bank = ต่ำกว่าตลิ่ง { $metres } ม.
gauge-no-bank = (ไม่ทราบระดับตลิ่ง)
gauge-rising = { " " }เพิ่มขึ้น { $metres } ม./ชม.
gauge-falling = { " " }ลดลง { $metres } ม./ชม.
gauge-steady = { " " }ทรงตัว
gauge-silent = { $name }: ไม่มีข้อมูลใหม่ตั้งแต่ { $time } ค่าล่าสุด { $level } ม.รทก.
camera-agrees = กล้อง { $name } เห็นระดับน้ำ { $level } ม.รทก. ตรงกับ { $gauge } (ต่างกัน { $metres } ม.)
camera-differs = กล้อง { $name } เห็นระดับน้ำ { $level } ม.รทก. ต่างจาก { $gauge } { $metres } ม. ควรตรวจสอบ
camera-alone = กล้อง { $name } เห็นระดับน้ำ { $level } ม.รทก.
exposure = ในน้ำตอนนี้ประมาณ { $people } คน { $homes } บ้าน มีกลุ่มเปราะบาง { $vulnerable } บ้าน ถนนจม { $roads } กม. สถานที่สำคัญ { $facilities } แห่ง
reports = ประชาชนแจ้งเหตุจากพื้นที่นี้ { $count } เรื่องใน { $hours } ชั่วโมง
doubt = ความเชื่อมั่นของภาพน้ำท่วม { $percent }%
doubt-by-zone = ความเชื่อมั่นของภาพน้ำท่วม { $percent }% ถึง { $most }% แล้วแต่เขต
calm = ระดับน้ำกลับสู่ปกติในทุกพื้นที่ที่เคยเตือน
not-calm = ยังมีพื้นที่ที่ระดับน้ำไม่ปกติ: { $zones }
