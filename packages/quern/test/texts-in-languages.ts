/** A question, and the beginning of an answer to it, in one language each; our own writing. */
export interface TextInLanguage {
  /** In English. */
  readonly language: string;
  readonly question: string;
  readonly answer: string;
}

export const textsInLanguages: readonly TextInLanguage[] = [
  {
    language: 'English',
    question: 'Why do the leaves of some trees turn red in autumn while others only turn yellow?',
    answer:
      'In summer the green of the leaves hides all other colours. When the days get shorter, the tree takes back what it can use, and the green is broken down first. What remains are yellow substances that were there all along. Red is different: some species make it anew from sugar, probably to shield the leaf from light while nutrients are carried away.',
  },
  {
    language: 'German',
    question: 'Warum werden die Blätter mancher Bäume im Herbst rot, während andere nur gelb werden?',
    answer:
      'Im Sommer verdeckt das Grün der Blätter alle anderen Farben. Wenn die Tage kürzer werden, holt sich der Baum zurück, was er noch brauchen kann, und das Grün wird zuerst abgebaut. Übrig bleiben gelbe Stoffe, die schon immer da waren. Mit dem Rot ist es anders: Manche Arten bilden es neu aus Zucker, wahrscheinlich um das Blatt vor dem Licht zu schützen.',
  },
  {
    language: 'French',
    question:
      'Pourquoi les feuilles de certains arbres deviennent-elles rouges en automne alors que d’autres jaunissent seulement ?',
    answer:
      'En été, le vert des feuilles cache toutes les autres couleurs. Quand les jours raccourcissent, l’arbre reprend ce qui peut encore lui servir, et le vert est décomposé en premier. Il reste des substances jaunes qui étaient là depuis toujours. Le rouge, c’est autre chose : certaines espèces le fabriquent avec du sucre, sans doute pour protéger la feuille de la lumière.',
  },
  {
    language: 'Spanish',
    question:
      '¿Por qué las hojas de algunos árboles se vuelven rojas en otoño mientras que otras solo se ponen amarillas?',
    answer:
      'En verano, el verde de las hojas oculta todos los demás colores. Cuando los días se acortan, el árbol recupera lo que todavía puede usar, y el verde es lo primero que se descompone. Quedan sustancias amarillas que siempre estuvieron ahí. Con el rojo es distinto: algunas especies lo fabrican de nuevo a partir del azúcar, probablemente para proteger la hoja de la luz.',
  },
  {
    language: 'Italian',
    question:
      'Perché le foglie di alcuni alberi diventano rosse in autunno mentre altre diventano soltanto gialle?',
    answer:
      'D’estate il verde delle foglie nasconde tutti gli altri colori. Quando le giornate si accorciano, l’albero si riprende quello che può ancora usare, e il verde è il primo a essere smontato. Rimangono sostanze gialle che c’erano già da prima. Con il rosso è diverso: alcune specie lo producono apposta dallo zucchero, probabilmente per proteggere la foglia dalla luce.',
  },
  {
    language: 'Portuguese',
    question:
      'Por que as folhas de algumas árvores ficam vermelhas no outono enquanto outras só ficam amarelas?',
    answer:
      'No verão, o verde das folhas esconde todas as outras cores. Quando os dias ficam mais curtos, a árvore recolhe o que ainda pode usar, e o verde é a primeira coisa a ser decomposta. Sobram substâncias amarelas que sempre estiveram lá. Com o vermelho é diferente: algumas espécies o produzem de novo a partir do açúcar, provavelmente para proteger a folha da luz.',
  },
  {
    language: 'Dutch',
    question:
      'Waarom worden de bladeren van sommige bomen rood in de herfst terwijl andere alleen geel worden?',
    answer:
      'In de zomer verbergt het groen van de bladeren alle andere kleuren. Wanneer de dagen korter worden, haalt de boom terug wat hij nog kan gebruiken, en het groen wordt het eerst afgebroken. Wat overblijft zijn gele stoffen die er altijd al waren. Met rood is het anders: sommige soorten maken het opnieuw uit suiker, waarschijnlijk om het blad tegen het licht te beschermen.',
  },
  {
    language: 'Swedish',
    question: 'Varför blir löven på vissa träd röda på hösten medan andra bara blir gula?',
    answer:
      'På sommaren döljer det gröna i löven alla andra färger. När dagarna blir kortare tar trädet tillbaka det som det ännu kan använda, och det gröna bryts ner först. Kvar blir gula ämnen som har funnits där hela tiden. Med det röda är det annorlunda: några arter bildar det på nytt av socker, troligen för att skydda bladet mot ljuset.',
  },
  {
    language: 'Polish',
    question: 'Dlaczego liście niektórych drzew jesienią czerwienieją, a inne tylko żółkną?',
    answer:
      'Latem zieleń liści zakrywa wszystkie inne barwy. Gdy dni stają się krótsze, drzewo odzyskuje to, co może jeszcze wykorzystać, a zieleń rozkłada się jako pierwsza. Pozostają żółte substancje, które były tam przez cały czas. Z czerwienią jest inaczej: niektóre gatunki wytwarzają ją na nowo z cukru, prawdopodobnie po to, żeby chronić liść przed światłem.',
  },
  {
    language: 'Turkish',
    question: 'Bazı ağaçların yaprakları sonbaharda kızarırken diğerleri neden yalnızca sararır?',
    answer:
      'Yazın yaprakların yeşili bütün diğer renkleri gizler. Günler kısaldığında ağaç hâlâ kullanabileceği şeyleri geri alır ve önce yeşil parçalanır. Geriye başından beri orada olan sarı maddeler kalır. Kırmızıda durum farklıdır: bazı türler onu şekerden yeniden üretir, büyük olasılıkla besinler taşınırken yaprağı ışıktan korumak için.',
  },
  {
    language: 'Vietnamese',
    question:
      'Tại sao lá của một số cây chuyển sang màu đỏ vào mùa thu trong khi những cây khác chỉ chuyển sang màu vàng?',
    answer:
      'Vào mùa hè, màu xanh của lá che khuất tất cả các màu khác. Khi ngày ngắn lại, cây lấy về những gì nó còn dùng được, và màu xanh bị phân hủy trước tiên. Những gì còn lại là các chất màu vàng vốn đã có từ trước. Màu đỏ thì khác: một số loài tạo ra nó từ đường, có lẽ để bảo vệ lá khỏi ánh sáng.',
  },
  {
    language: 'Russian',
    question: 'Почему листья одних деревьев осенью краснеют, а других только желтеют?',
    answer:
      'Летом зелень листьев скрывает все остальные цвета. Когда дни становятся короче, дерево забирает обратно то, что ещё может использовать, и зелёный цвет разрушается первым. Остаются жёлтые вещества, которые были там всегда. С красным иначе: некоторые виды создают его заново из сахара, вероятно, чтобы защитить лист от света.',
  },
  {
    language: 'Greek',
    question: 'Γιατί τα φύλλα μερικών δέντρων κοκκινίζουν το φθινόπωρο ενώ άλλα μόνο κιτρινίζουν;',
    answer:
      'Το καλοκαίρι το πράσινο των φύλλων κρύβει όλα τα άλλα χρώματα. Όταν οι μέρες μικραίνουν, το δέντρο παίρνει πίσω ό,τι μπορεί ακόμα να χρησιμοποιήσει, και το πράσινο διασπάται πρώτο. Μένουν κίτρινες ουσίες που ήταν πάντα εκεί. Με το κόκκινο είναι αλλιώς: μερικά είδη το φτιάχνουν από ζάχαρη.',
  },
  {
    language: 'Hebrew',
    question: 'למה העלים של עצים מסוימים הופכים אדומים בסתיו בעוד שאחרים רק מצהיבים?',
    answer:
      'בקיץ הירוק של העלים מסתיר את כל הצבעים האחרים. כשהימים מתקצרים, העץ לוקח בחזרה את מה שהוא עוד יכול להשתמש בו, והירוק מתפרק ראשון. מה שנשאר הם חומרים צהובים שהיו שם כל הזמן. עם האדום זה אחרת: מינים אחדים יוצרים אותו מחדש מסוכר.',
  },
  {
    language: 'Arabic',
    question: 'لماذا تحمر أوراق بعض الأشجار في الخريف بينما تصفر أوراق أشجار أخرى فقط؟',
    answer:
      'في الصيف يخفي اللون الأخضر كل الألوان الأخرى. عندما تقصر الأيام، تستعيد الشجرة ما يمكنها استخدامه، ويتحلل الأخضر أولاً. ما يبقى هو مواد صفراء كانت موجودة دائماً. أما الأحمر فأمره مختلف: بعض الأنواع تصنعه من جديد من السكر، ربما لحماية الورقة من الضوء.',
  },
  {
    language: 'Hindi',
    question: 'शरद ऋतु में कुछ पेड़ों की पत्तियाँ लाल क्यों हो जाती हैं जबकि दूसरों की केवल पीली होती हैं?',
    answer:
      'गर्मियों में पत्तियों का हरा रंग बाकी सभी रंगों को छिपा देता है। जब दिन छोटे होते हैं, तो पेड़ वह सब वापस ले लेता है जो उसके काम आ सकता है, और हरा रंग सबसे पहले टूटता है। जो बचता है वे पीले पदार्थ हैं जो पहले से वहाँ थे। लाल रंग की बात अलग है: कुछ पेड़ उसे शक्कर से नया बनाते हैं।',
  },
  {
    language: 'Thai',
    question: 'ทำไมใบไม้ของต้นไม้บางต้นจึงเปลี่ยนเป็นสีแดงในฤดูใบไม้ร่วง ในขณะที่ต้นอื่นเปลี่ยนเป็นสีเหลืองเท่านั้น',
    answer:
      'ในฤดูร้อน สีเขียวของใบไม้บังสีอื่นทั้งหมด เมื่อวันสั้นลง ต้นไม้จะดึงสิ่งที่ยังใช้ได้กลับคืน และสีเขียวจะสลายไปก่อน สิ่งที่เหลืออยู่คือสารสีเหลืองที่มีอยู่แล้วตั้งแต่ต้น ส่วนสีแดงนั้นต่างออกไป บางชนิดสร้างขึ้นใหม่จากน้ำตาล อาจเพื่อปกป้องใบจากแสง',
  },
  {
    language: 'Korean',
    question: '왜 어떤 나무의 잎은 가을에 빨갛게 물들고 다른 나무의 잎은 노랗게만 변할까요?',
    answer:
      '여름에는 잎의 초록색이 다른 모든 색을 가립니다. 해가 짧아지면 나무는 아직 쓸 수 있는 것을 거두어들이고, 초록색이 가장 먼저 분해됩니다. 남는 것은 처음부터 있었던 노란 물질입니다. 빨간색은 다릅니다. 어떤 종은 당분으로 그것을 새로 만드는데, 아마도 빛으로부터 잎을 보호하기 위해서일 것입니다.',
  },
  {
    language: 'Japanese',
    question: 'なぜ秋になると赤くなる木の葉と、黄色くなるだけの木の葉があるのですか。',
    answer:
      '夏のあいだ、葉の緑はほかのすべての色を隠しています。日が短くなると、木はまだ使えるものを取り戻し、緑がまず分解されます。残るのは、はじめからそこにあった黄色い物質です。赤は違います。いくつかの種は糖から新しくつくり、おそらく養分を運ぶあいだ葉を光から守っているのでしょう。',
  },
  {
    language: 'Chinese',
    question: '为什么有些树的叶子在秋天变红，而另一些只变黄？',
    answer:
      '夏天，叶子的绿色掩盖了所有其他颜色。白天变短时，树会收回它还能用的东西，绿色首先被分解。剩下的是一直存在的黄色物质。红色则不同：有些树种用糖重新制造它，大概是为了在运走养分的时候保护叶子不受光的伤害。',
  },
];
