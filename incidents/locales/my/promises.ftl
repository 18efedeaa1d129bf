# ကတိများ (ဒေသခံ ပြောသူ စစ်ဆေးရန် စောင့်ဆိုင်းဆဲ)
city-desk = မြို့တော် ကောင်တာ
state-sent_on = အခြားဌာနသို့ လွှဲပြီး
told-sent_on = အမှတ် { $number } { $category }: { $agency } သို့ လွှဲပြီးပါပြီ။ ကတိပြုထားသော အချိန် မပြောင်းပါ။
told-waiting = အမှတ် { $number } { $category }: မြို့တော်က သင့်ကို မေးစရာရှိသည်။ "ဖြေရန်" ကို နှိပ်ပြီး အဖြေ ရေးပါ။
told-way = နောက်ဆုံးစာမှစ၍: { $way }
label-answer = ဖြေရန်
label-still = ရှိနေဆဲ
label-worse = ပိုဆိုးလာသည်
label-gone = မရှိတော့ပါ
answer-write = ယခု အဖြေ ရေးပါ။ အရာရှိထံ ပို့ပေးပါမည်။
answer-taken = အဖြေ ရရှိပါပြီ။ ကျေးဇူးတင်ပါသည်။ အရာရှိက ဆက်လုပ်ပါမည်။
answer-late = ဤအကြောင်း မေးစရာ မရှိတော့ပါ။ ကျေးဇူးတင်ပါသည်။
still-question = အမှတ် { $number } { $category }၊ { $place }
    ရှိနေဆဲလား။
still-thanks-still = ကျေးဇူးတင်ပါသည်။ ရှိနေဆဲဟု ပြပါမည်။
still-thanks-worse = ကျေးဇူးတင်ပါသည်။ ပိုဆိုးလာသည်ကို ထိန်းချုပ်ခန်းက မြင်ပါသည်။ အန္တရာယ်ရှိလျှင် 1669 · 191 · 199 ကိုခေါ်ပါ။
still-thanks-gone = ကျေးဇူးတင်ပါသည်။ မရှိတော့သည်မှာ ကောင်းပါသည်။
told-category = အမှတ် { $number }: မြို့တော်က { $category } အဖြစ် သတ်မှတ်ပါသည်
told-agency = အမှတ် { $number } { $category }: { $agency } က တာဝန်ယူပါသည်
told-invited = အမှတ် { $number } { $category }: { $agency } လည်း ကူညီပါသည်
told-partner_said = အမှတ် { $number } { $category }: ဆောင်ရွက်နေသူများထံမှ စာ
