# คำมั่น หน่วยงาน และเหตุที่เลือนไป
city-desk = ศูนย์รับเรื่องของเทศบาล
state-sent_on = ส่งต่อหน่วยงานอื่นแล้ว
told-sent_on = เลขที่ { $number } { $category }: ส่งต่อให้ { $agency } แล้ว กำหนดเสร็จไม่เปลี่ยน
told-waiting = เลขที่ { $number } { $category }: เจ้าหน้าที่มีคำถามถึงคุณ กดปุ่ม "ตอบคำถามนี้" แล้วพิมพ์คำตอบ
told-way = ตั้งแต่ครั้งก่อน: { $way }
label-answer = ตอบคำถามนี้
label-still = ยังเป็นอยู่
label-worse = หนักขึ้น
label-gone = หมดแล้ว
answer-write = พิมพ์คำตอบได้เลย เราจะส่งต่อให้เจ้าหน้าที่
answer-taken = ได้รับคำตอบแล้ว ขอบคุณ เจ้าหน้าที่จะดำเนินการต่อ
answer-late = เรื่องนี้ไม่มีคำถามค้างอยู่แล้ว ขอบคุณ
still-question = เลขที่ { $number } { $category } ที่ { $place }
    ตอนนี้ยังเป็นอยู่ไหม
still-thanks-still = ขอบคุณ เราจะแสดงว่ายังเป็นอยู่
still-thanks-worse = ขอบคุณ ศูนย์สั่งการเห็นแล้วว่าหนักขึ้น ถ้ามีคนอยู่ในอันตราย โทร 1669 · 191 · 199
still-thanks-gone = ขอบคุณ ดีใจที่หมดแล้ว
reason-answered = ผู้แจ้งตอบแล้ว
reason-still-still = ผู้แจ้งบอกว่ายังเป็นอยู่
reason-still-worse = ผู้แจ้งบอกว่าหนักขึ้น
reason-still-gone = ผู้แจ้งบอกว่าหมดแล้ว

# ประโยคที่เจ้าหน้าที่เห็นเมื่อทำรายการไม่ได้
wrong-step = เหตุที่อยู่ในสถานะ "{ $before }" เปลี่ยนเป็น "{ $after }" ไม่ได้
changed-meanwhile = มีผู้อื่นเปลี่ยนสถานะเป็น "{ $state }" ไปแล้ว กรุณาดูอีกครั้งก่อนตัดสินใจ
handing-same = เหตุนี้อยู่กับ { $agency } อยู่แล้ว
handing-back = { $agency } เคยส่งเหตุนี้ต่อมาแล้ว ให้ส่งไปที่ { $desk } ซึ่งเป็นผู้ตัดสิน
handing-often = เหตุนี้ถูกส่งต่อมาแล้ว { $count } ครั้ง ให้ส่งไปที่ { $desk } ซึ่งเป็นผู้ตัดสิน
waiting-not-open = เหตุนี้จบแล้ว จึงหยุดรอผู้แจ้งไม่ได้
waiting-already = เหตุนี้รอคำตอบจากผู้แจ้งอยู่แล้ว
waiting-nobody = ไม่มีผู้แจ้งที่ส่งข้อความถึงได้ จึงไม่มีใครให้รอ
waiting-used-up = เหตุนี้รอผู้แจ้งมาครบเวลาที่เทศบาลกำหนดแล้ว
waiting-not = เหตุนี้ไม่ได้รอผู้แจ้งอยู่
keeping-not-open = เหตุนี้จบแล้ว จึงไม่มีอะไรให้ยืนยัน

# งานในกล่องของเจ้าหน้าที่
reason-category = เปลี่ยนประเภทจาก { $before } เป็น { $after }
told-category = เลขที่ { $number }: เจ้าหน้าที่จัดเรื่องนี้เป็นประเภท { $category }
told-agency = เลขที่ { $number } { $category }: ผู้รับผิดชอบคือ { $agency }
told-partner_said = เลขที่ { $number } { $category }: ข้อความจากผู้ดำเนินการ
told-invited = เลขที่ { $number } { $category }: { $agency } ร่วมดำเนินการด้วย
category-same = เหตุนี้เป็นประเภท { $category } อยู่แล้ว
assigning-begun = มีหน่วยงานรับเหตุนี้แล้วหรือเหตุจบแล้ว ให้ใช้การส่งต่อแทน
